"""`bodycam check`: whether this camera can go out, part by part; with the wearer where one is."""
