#!/bin/sh
# To /usr/local/bin/bodycam: the camera's command for a person. The device key lies on disk sealed
# to this machine; to root it is lent in memory for as long as the command runs.
set -eu
program=/opt/bodycam/bin/bodycam
sealed=/etc/credstore.encrypted/bodycam.device.key

if [ "$*" = enroll ]; then
    exec /opt/bodycam/libexec/first-boot /boot/firmware
fi
if [ "$(id -u)" -ne 0 ] || [ -n "${CREDENTIALS_DIRECTORY:-}" ]; then
    exec "$program" "$@"
fi

lent=$(mktemp -d -p "${RUNTIME_DIRECTORY:-/run}" bodycam-key.XXXXXX)
trap 'rm -rf "$lent"' EXIT
trap 'exit 130' INT TERM HUP
if [ -e "$sealed" ]; then
    systemd-creds decrypt --name=device.key "$sealed" "$lent/device.key"
    chmod 0400 "$lent/device.key"
fi
code=0
CREDENTIALS_DIRECTORY=$lent "$program" "$@" || code=$?
if [ ! -e "$sealed" ] && [ -e "$lent/device.key" ]; then
    install -d -m 0700 "${sealed%/*}"
    systemd-creds encrypt --name=device.key "$lent/device.key" "$sealed.new" || {
        echo "bodycam: the device key could not be sealed and is gone; remove the request and enrol again." >&2
        exit 1
    }
    sync "$sealed.new"
    mv "$sealed.new" "$sealed"
    sync "${sealed%/*}"
fi
exit "$code"
