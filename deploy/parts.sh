#!/bin/sh
# Installs the Debian packages that the demo and the tests use, as root or with sudo; else says what to install.
wanted=""
command -v darknet >/dev/null 2>&1 || wanted="$wanted darknet"
command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium"
command -v redis-server >/dev/null 2>&1 || wanted="$wanted redis-server"
fc-list :lang=ja 2>/dev/null | grep -q . || wanted="$wanted fontconfig fonts-noto-cjk"
[ -z "$wanted" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "labelbridge: please install these yourself (this is no Debian system):$wanted"
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "labelbridge: the demo and the stories need Debian packages; please run:"
    echo "    sudo apt-get install$wanted"
    exit 0
fi
echo "Installing$wanted from Debian …"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $wanted >/dev/null
