#!/bin/sh
# To /usr/local/bin/bodycam: the camera's command for a person. Its keys, the recorder's and the
# link's, lie on disk sealed to this machine; to root they are lent in memory for as long as the
# command runs.
set -eu
program=/opt/bodycam/bin/bodycam
store=/etc/credstore.encrypted

if [ "$*" = enroll ]; then
    exec /opt/bodycam/libexec/first-boot /boot/firmware
fi
if [ "$(id -u)" -ne 0 ] || [ -n "${CREDENTIALS_DIRECTORY:-}" ]; then
    exec "$program" "$@"
fi

lent=$(mktemp -d -p "${RUNTIME_DIRECTORY:-/run}" bodycam-key.XXXXXX)
trap 'rm -rf "$lent"' EXIT
trap 'exit 130' INT TERM HUP
for key in device.key tls.key; do
    if [ -e "$store/bodycam.$key" ]; then
        systemd-creds decrypt --name="$key" "$store/bodycam.$key" "$lent/$key"
        chmod 0400 "$lent/$key"
    fi
done
code=0
CREDENTIALS_DIRECTORY=$lent "$program" "$@" || code=$?
for key in device.key tls.key; do
    sealed=$store/bodycam.$key
    if [ ! -e "$sealed" ] && [ -e "$lent/$key" ]; then
        install -d -m 0700 "$store"
        systemd-creds encrypt --name="$key" "$lent/$key" "$sealed.new" || {
            echo "bodycam: $key could not be sealed and is gone; remove the request and enrol again." >&2
            exit 1
        }
        sync "$sealed.new"
        mv "$sealed.new" "$sealed"
        sync "$store"
    fi
done
exit "$code"
