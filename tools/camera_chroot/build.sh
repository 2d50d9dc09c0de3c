#!/bin/sh
# Makes a Debian testing root with the real libcamera in it: build.sh ROOT. Once made, it is kept.
# Everything comes from Debian's packages and from wheels; nothing is compiled. Needs root.
set -eu
root=$1
here=$(dirname "$0")
house=$here/../..
say() { echo "camera chroot: $*"; }
fail() { echo "camera chroot: $*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "only root can make a chroot: sudo make test-camera"
if ! command -v mmdebstrap >/dev/null; then
    say "installing Debian's mmdebstrap"
    apt-get -q update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends mmdebstrap >/dev/null
fi

made_from=$(cat "$here/build.sh" "$here/virtual.yaml" | sha256sum)
[ "$(cat "$root/made-from" 2>/dev/null)" != "$made_from" ] || exit 0

packages=python3,python3-libcamera,libcamera-ipa,python3-av,python3-pil,python3-prctl
packages=$packages,python3-piexif,python3-numpy,python3-cryptography,python3-gpiozero
say "getting Debian testing with libcamera (about 700 MB, 1 to 2 minutes)"
rm -rf "$root"
mkdir -p "$(dirname "$root")"
# What a testing suite says of its own age may be out of date on a mirror.
mmdebstrap --quiet --variant=apt --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    forky "$root"

version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
say "adding picamera2 for Python $version"
# simplejpeg and videodev2 are picamera2's own; their wheels are those that requirements-camera.lock
# has hashes of. What else picamera2 asks for is Debian's, or stood in for by virtual_camera.py.
sed -n '/^\(picamera2\|simplejpeg\|videodev2\)==/,/[^\\]$/p' \
    "$house/requirements-camera.lock" >"$root/wheels.lock"
python -m pip install -q --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --python-version "$version" --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
    --target "$root/wheels" -r "$root/wheels.lock"
cp "$here/virtual.yaml" "$root/usr/share/libcamera/pipeline/virtual/virtual.yaml"
say "it has $(chroot "$root" dpkg-query -W python3-libcamera python3-av python3 | tr '\t\n' ' ;')"
echo "$made_from" >"$root/made-from"
