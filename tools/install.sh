#!/bin/sh
# install.sh install | uninstall: puts the camera's software onto Raspberry Pi OS, or takes it off.
# An upgrade is another install: configuration, keys and recordings stay as they are.
#
#   DESTDIR=FOLDER   install into a folder (an image, a test): no packages, no users, nothing started
#   ID=NAME          the camera's name in a new configuration; else from the Pi's serial number
#   PACKAGES=…       Debian packages instead of those below
#   PURGE=…          for uninstall: configuration, keys, recordings, as many as shall go too
set -eu
cd "$(dirname "$0")/.."
root=${DESTDIR:-}
home=$root/opt/bodycam
local=$root/usr/local
python=${PYTHON:-/usr/bin/python3}
PACKAGES=${PACKAGES-python3-venv python3-picamera2 python3-gpiozero python3-lgpio python3-opencv alsa-utils}
# Pulled in by nobody else; the path units start the services of their names.
enabled="bodycam.service bodycam-link.service bodycam-enroll.service bodycam-power-off.path bodycam-reboot.path"
# Swap would carry footage from memory to the card.
masked="swap.target dphys-swapfile.service"

say() { echo "$1: $2"; }
fail() { echo "$1" >&2; exit 1; }
running() { [ -z "$root" ] && [ -d /run/systemd/system ]; }
units() { systemctl -q --root="${root:-/}" "$@"; }

# Where each file goes; `from` is a path in this checkout.
files() {
    cat <<END
systemd/bodycam.service            $local/lib/systemd/system/bodycam.service
systemd/bodycam-link.service       $local/lib/systemd/system/bodycam-link.service
systemd/bodycam-enroll.service     $local/lib/systemd/system/bodycam-enroll.service
systemd/bodycam-power-off.path     $local/lib/systemd/system/bodycam-power-off.path
systemd/bodycam-power-off.service  $local/lib/systemd/system/bodycam-power-off.service
systemd/bodycam-reboot.path        $local/lib/systemd/system/bodycam-reboot.path
systemd/bodycam-reboot.service     $local/lib/systemd/system/bodycam-reboot.service
systemd/sysusers.conf              $local/lib/sysusers.d/bodycam.conf
systemd/tmpfiles.conf              $local/lib/tmpfiles.d/bodycam.conf
systemd/udev.rules                 $local/lib/udev/rules.d/60-bodycam.rules
systemd/journald.conf              $root/etc/systemd/journald.conf.d/bodycam.conf
systemd/logind.conf                $root/etc/systemd/logind.conf.d/bodycam.conf
systemd/system.conf                $root/etc/systemd/system.conf.d/bodycam.conf
systemd/coredump.conf              $root/etc/systemd/coredump.conf.d/bodycam.conf
systemd/bodycam.sh                 $local/bin/bodycam
systemd/first-boot.sh              $home/libexec/first-boot
config/bodycam.toml                $home/share/bodycam.toml
config/policies/default.toml       $home/share/policies/default.toml
config/policies/strict.toml        $home/share/policies/strict.toml
config/policies/utrecht-2020.toml  $home/share/policies/utrecht-2020.toml
docs/hardware.md                   $home/share/hardware.md
LICENSE                            $home/share/LICENSE
END
}

not_while_recording() {
    if running && grep -q '"recording": *true' /run/bodycam/status.json 2>/dev/null; then
        fail "The camera is recording. Stop that with its button first."
    fi
}

install_packages() {
    missing=
    for package in $PACKAGES; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say install "Debian packages:$missing"
    apt-get -q update >/dev/null
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install:$missing. Raspberry Pi OS has them all; is this another system?"
}

# Python's part: anew when Python or the lock has changed.
make_venv() {
    made_from="$("$python" --version) $(sha256sum <requirements-device.lock)"
    if [ "$(cat "$home/made-from" 2>/dev/null)" != "$made_from" ]; then
        say install "Python packages into /opt/bodycam"
        rm -rf "$home"
        if [ -n "$root" ]; then
            "$python" -m venv --system-site-packages --without-pip "$home"
        else
            "$python" -m venv --system-site-packages "$home"
            # The lock is complete but for what the packages above bring: nothing is resolved.
            "$home/bin/python3" -m pip install -q --disable-pip-version-check \
                --no-deps --require-hashes --only-binary :all: -r requirements-device.lock
        fi
    fi
    site=$("$home/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    rm -rf "$site/bodycam.new" "$site/bodycam.old"
    cp -R device/bodycam "$site/bodycam.new"
    find "$site/bodycam.new" -name __pycache__ -prune -exec rm -rf {} +
    chmod -R u=rwX,go=rX "$site/bodycam.new"
    "$home/bin/python3" -m compileall -q -s "$site/bodycam.new" -p "${site#"$root"}/bodycam" \
        "$site/bodycam.new"
    [ ! -e "$site/bodycam" ] || mv "$site/bodycam" "$site/bodycam.old"
    mv "$site/bodycam.new" "$site/bodycam"
    rm -rf "$site/bodycam.old"
    cat >"$home/bin/bodycam" <<END
#!/opt/bodycam/bin/python3 -I
import sys
from bodycam.cli import main
sys.exit(main())
END
    chmod 0755 "$home/bin/bodycam"
    echo "$made_from" >"$home/made-from"
}

camera_id() {
    serial=
    told=$root/proc/device-tree/serial-number
    [ ! -e "$told" ] || serial=$(tr -d '\0' <"$told")
    [ -n "$serial" ] || serial=$(cat "$root/etc/machine-id" 2>/dev/null || true)
    [ -n "$serial" ] || serial=$(od -An -N4 -tx1 /dev/urandom | tr -d ' ')
    echo "cam-$(printf %s "$serial" | tail -c 8)"
}

# keep FROM TO: a default, unless somebody's own is there.
keep() {
    [ -e "$2" ] || install -D -m 0644 "$1" "$2"
}

configure() {
    if [ ! -e "$root/etc/bodycam/bodycam.toml" ]; then
        id=${ID:-$(camera_id)}
        say install "this camera is called $id (in /etc/bodycam/bodycam.toml)"
        keep config/bodycam.toml "$root/etc/bodycam/bodycam.toml"
        sed -i "s/^id = \"[^\"]*\"/id = \"$id\"/" "$root/etc/bodycam/bodycam.toml"
    fi
    keep config/policies/default.toml "$root/etc/bodycam/policy.toml"
}

# The Pi's firmware switches off the kernel's count of memory, and with it MemoryMax and
# MemorySwapMax; the last word on the kernel's command line wins.
count_memory() {
    line=$root/boot/firmware/cmdline.txt
    if [ -e "$line" ] && ! grep -q cgroup_enable=memory "$line"; then
        say install "cgroup_enable=memory for the kernel, from the next start on"
        cp "$line" "$line.before-bodycam"
        sed -i '1s/[[:space:]]*$/ cgroup_enable=memory/' "$line"
    fi
}

install_all() {
    [ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "Only root can install: sudo make install"
    not_while_recording
    if [ -z "$root" ]; then
        install_packages
    fi
    ! running || systemctl stop bodycam.service bodycam-link.service 2>/dev/null || true
    make_venv
    files | while read -r from to; do
        case $from in *.sh) mode=0755 ;; *) mode=0644 ;; esac
        install -D -m "$mode" "$from" "$to"
    done
    configure
    count_memory
    if [ -z "$root" ]; then
        # Without a machine id nothing can be sealed to this machine.
        systemd-machine-id-setup >/dev/null 2>&1
        systemd-sysusers bodycam.conf
        systemd-tmpfiles --create bodycam.conf
    fi
    # shellcheck disable=SC2086  # lists of units
    { units enable $enabled; units mask $masked; }
    if running; then
        systemctl daemon-reload
        udevadm control --reload
        udevadm trigger
        systemctl try-restart systemd-journald.service
        # shellcheck disable=SC2086
        systemctl start $enabled
    fi
    say install "done. Next: sudo bodycam enroll, then sudo bodycam check"
}

uninstall_all() {
    [ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "Only root can uninstall: sudo make uninstall"
    for word in ${PURGE:-}; do
        case $word in
            configuration | keys | recordings) ;;
            *) fail "PURGE=$word: say configuration, keys or recordings." ;;
        esac
    done
    not_while_recording
    if running; then
        # shellcheck disable=SC2086
        systemctl stop $enabled || true
    fi
    for unit in $enabled; do
        [ ! -e "$local/lib/systemd/system/$unit" ] || units disable "$unit"
    done
    # shellcheck disable=SC2086
    units unmask $masked
    files | while read -r _ to; do rm -f "$to"; done
    rm -rf "$home"
    for word in ${PURGE:-}; do
        case $word in
            configuration)
                rm -rf "$root/etc/bodycam" "$root/var/lib/bodycam-link"
                rm -f "$root/var/lib/bodycam/desired" "$root/var/lib/bodycam/desired.next" ;;
            keys) rm -f "$root"/etc/credstore.encrypted/bodycam.device.key "$root"/etc/credstore.encrypted/bodycam.tls.key ;;
            recordings) rm -rf "$root/var/lib/bodycam" ;;
        esac
    done
    ! running || systemctl daemon-reload
    say uninstall "done. Left as they are: ${PURGE:+what you did not name of }configuration, keys and recordings"
}

case ${1:-} in
    install) install_all ;;
    uninstall) uninstall_all ;;
    *) fail "Say install.sh install or install.sh uninstall." ;;
esac
