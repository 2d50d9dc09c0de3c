#!/bin/sh
# Makes .venv as requirements.lock says. With `test`, also gets the programs and packages of others
# that the tests hold us against. Once made, a second run sees so and ends at once.
set -eu
cd "$(dirname "$0")/.."
house=$(pwd -P)

say() { echo "set-up: $*"; }
fail() { echo "set-up: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# install PACKAGE…: Debian's packages, where we may.
install() {
    if [ "$(id -u)" -ne 0 ] || ! has apt-get; then
        fail "missing here: $*. Install these packages (on Debian: sudo apt-get install $*), then try again."
    fi
    say "installing Debian's $*"
    log=$(mktemp)
    {
        apt-get -q -o DPkg::Lock::Timeout=300 update &&
        DEBIAN_FRONTEND=noninteractive \
            apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
    } >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "apt-get could not install $*; its last words are above."; }
    rm -f "$log"
}

# find_python: sets `python` to the first one that is new enough. PYTHON=… names another.
find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return
        fi
    done
    fail "no Python 3.11 or later found. Install one, or name it: make PYTHON=/path/to/python3"
}

make_venv() {
    find_python
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

made_from=$(cat requirements.lock pyproject.toml | sha256sum | cut -d ' ' -f 1)" $house"
if [ "$(cat .venv/made-from 2>/dev/null)" != "$made_from" ]; then
    # A .venv that was moved, or whose Python has gone, is made anew; another is brought up to date.
    if ! grep -qF "$house/.venv" .venv/pyvenv.cfg 2>/dev/null || ! .venv/bin/python -c '' 2>/dev/null; then
        make_venv
    fi
    # The lock is complete. Without --no-deps an older pip would resolve an extra (coverage[toml])
    # afresh, find a newer release than the locked one, and refuse it for its missing hash.
    say "installing the packages of requirements.lock (up to 150 MB to download)"
    .venv/bin/python -m pip install -q --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r requirements.lock
    say "installing this project into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
    echo "$made_from" >.venv/made-from
fi

[ "${1:-}" = test ] || exit 0

missing=
while read -r program package; do
    has "$program" || missing="$missing $package"
done <<END
age              age
ffprobe          ffmpeg
ssh-keygen       openssh-client
openssl          openssl
node             nodejs
npm              npm
espeak-ng        espeak-ng
mmdebstrap       mmdebstrap
shellcheck       shellcheck
systemd-analyze  systemd
mosquitto        mosquitto
chromium         chromium
pg_ctlcluster    postgresql
linux.uml        user-mode-linux
mkfs.ext4        e2fsprogs
END
# shellcheck disable=SC2086  # a list of packages, none with a space in its name
[ -z "$missing" ] || install $missing

# Without what it depends on: libcamera and the like exist on a Pi only, and tests stand in for them.
made_from=$(sha256sum <requirements-camera.lock)$(cat .venv/made-from)
if [ "$(cat .venv/camera-made-from 2>/dev/null)" != "$made_from" ]; then
    say "installing picamera2, over which the camera's adapter is tested"
    .venv/bin/python -m pip install -q --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r requirements-camera.lock
    echo "$made_from" >.venv/camera-made-from
fi

oracles=tests/oracles/node_modules
made_from=$(sha256sum <tests/oracles/package-lock.json)
if [ "$(cat $oracles/made-from 2>/dev/null)" != "$made_from" ]; then
    say "installing test vectors and a foreign age reader from npm"
    (cd tests/oracles && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
    echo "$made_from" >$oracles/made-from
fi
