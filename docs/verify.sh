#!/bin/sh
# Checks and opens a recording with stock tools: sh verify.sh RECORDING SIGNERS IDENTITY [FILM.mp4]
# What is sealed to post-quantum keys (age1pq…) needs age 1.3 or later.
set -eu
work=$(mktemp -d) signers=$(realpath "$2") identity=$(realpath "$3")
film=$(realpath "${4:-$work/film.mp4}")
trap 'rm -r "$work"' EXIT
cd "$1" && : >"$film"
fail() { echo "NOT OK: $*" && exit 1; }
field() { printf %s "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
pem() { printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$2" >"$work/$1"; }
signed_by() { # does the key of the camera, or of the recording, hold for $line?
    printf %s "${line%,\"sig\":*}" >"$work/text"
    field sig | base64 -d >"$work/sig"
    if [ "$1 $alg" = "camera es256" ]; then # openssl wants r and s in a structure
        hex=$(od -An -v -tx1 "$work/sig" | tr -d ' \n')
        printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%.64s\ns=INTEGER:0x%s\n' \
            "$hex" "$(printf %s "$hex" | tail -c 64)" >"$work/asn1"
        openssl asn1parse -genconf "$work/asn1" -noout -out "$work/sig"
    fi
    openssl pkeyutl -verify -pubin -inkey "$work/$1" -rawin -in "$work/text" \
        -sigfile "$work/sig" >"$work/log" 2>&1 || fail "the signature of line $seq"
}
line=$(head -n 1 ledger.jsonl) device=$(field device) alg=$(field alg) bytes=64
pem recording "MCowBQYDK2VwAyEA$(field key)" # what stands before every such key, and the key
case $device in '' | *[!a-z0-9-]*) fail "line 0" ;; esac
[ "$alg" = es256 ] || bytes=32
key=$(sed -n "s/^$device .*\(ssh-ed25519\|nistp256\) \([A-Za-z0-9+/=]*\).*/\2/p" "$signers" |
    base64 -d | tail -c $bytes | base64 -w 0)
if [ "$alg" = es256 ]; then pem camera "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE$key"
else pem camera "MCowBQYDK2VwAyEA$key"; fi
prev=$(printf %064d 0) seq=0 files=2 kind=
while IFS= read -r line; do
    kind=$(field kind) name=$(printf '%08d.%s.age' "$seq" "$(field kind)")
    [ "$(field seq) $(field prev)" = "$seq $prev" ] || fail "line $seq does not come here"
    case $kind in open | recovered) signed_by camera ;; *) signed_by recording ;; esac
    case $kind in warning | init | segment | note)
        printf '%s  %s\n' "$(field sha256)" "$name" | sha256sum -c --quiet - || fail "$name"
        age -d -i "$identity" "$name" >"$work/plain" || fail "$name does not open"
        case $kind in init | segment) cat "$work/plain" >>"$film" ;; esac
        files=$((files + 1)) ;;
    esac
    prev=$(printf %s "$line" | sha256sum | cut -c 1-64) seq=$((seq + 1))
done <ledger.jsonl
[ "$kind" = close ] || files=$((files - 1)) # only then there is a closing signature
[ "$kind" != close ] || ssh-keygen -Y verify -f "$signers" -I "$device" -n bodycam-recording \
    -s ledger.jsonl.sig <ledger.jsonl || fail "the closing signature"
[ "$(find . -type f ! -path './unsigned/*' | wc -l)" -eq $files ] || fail "files without a line"
ffprobe -v error -count_frames -show_entries stream=codec_name,nb_read_frames -of csv "$film"
[ "$kind" = close ] || { echo "Whole up to a power cut." && exit 3; }
echo "OK: $seq lines, $((files - 2)) objects."
