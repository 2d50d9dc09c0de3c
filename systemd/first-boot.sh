#!/bin/sh
# To /opt/bodycam/libexec/first-boot: `first-boot FOLDER` takes the station's answer from FOLDER, or
# leaves the request there for the station.
set -eu
folder=$1
request=$folder/bodycam.request
bundle=$folder/bodycam.bundle

if [ ! -d "$folder" ]; then
    echo "bodycam: there is no folder $folder. Use: bodycam enroll --out REQUEST" >&2
    exit 1
fi
if [ -e "$bundle" ]; then
    exec /usr/local/bin/bodycam enroll --accept "$bundle"
fi
if [ -e "$request" ]; then
    echo "bodycam: $request waits for the station's answer, which belongs at $bundle."
    exit 0
fi
/usr/local/bin/bodycam enroll --out "$request" || {
    # A request whose key could not be kept is worth nothing.
    rm -f "$request"
    exit 1
}
echo "bodycam: put the station's answer at $bundle and start the camera again."
