"""What camera and station say to each other over MQTT: topics, forms, and the one validation."""
