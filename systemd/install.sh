#!/usr/bin/env bash
# Installs smile-gate, or upgrades it; run it again as often as you like.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: sudo ./systemd/install.sh [--dry-run] [--yes] [--wheels DIR] [--prefix DIR] [--pi] [--no-start]

Installs this checkout as the service smile-gate, or upgrades it. An upgrade that fails leaves the
old version running. Settings in /etc/smile-gate/gate.yaml are never overwritten.

  --dry-run     check this system, say what would be done, and do nothing
  --yes         do not ask
  --wheels DIR  take every Python package from DIR; needs no internet
                (fill it on a machine of the same kind:
                 pip download --dest DIR --require-hashes -r requirements/3.11/run.txt;
                 for Python 3.12 and newer it is requirements/3.13/run.txt)
  --prefix DIR  where the program goes (default /opt/smile-gate): a new or empty folder, or one
                that an earlier install made
  --pi          treat this machine as a Raspberry Pi, whatever it says of itself
  --no-start    install without starting the gate
  --help        this text

Example: sudo ./systemd/install.sh --yes
TEXT
}

prefix=/opt/smile-gate wheels='' dry='' yes='' pi='' start=yes
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=yes ;;
    --yes) yes=yes ;;
    --pi) pi=yes ;;
    --no-start) start='' ;;
    --wheels) wheels=$(realpath -e -- "${2:?--wheels needs a folder}"); shift ;;
    --prefix) prefix=${2:?--prefix needs a folder}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install.sh: unknown option $1; see --help" >&2; exit 2 ;;
  esac
  shift
done

source=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$source/systemd/common.sh"
prefix=$(our_prefix "$prefix") || { echo "install.sh: $prefix" >&2; exit 2; }
config=/etc/smile-gate/gate.yaml
unit=/etc/systemd/system/smile-gate.service
state=/var/lib/smile-gate
marker=$prefix/$marker_name # what is ours in the prefix and outside of it: nothing else is removed
say() { echo "  $*"; }
fail() { echo "install.sh: $*" >&2; exit 1; }
wrong=0
problem() { echo "  NOT GOOD: $*" >&2; wrong=$((wrong + 1)); }

# --- look at the system first -------------------------------------------------------------------
model=$(tr -d '\0' 2>/dev/null </proc/device-tree/model || true)
case $model in *Raspberry\ Pi*) pi=yes ;; esac
. /etc/os-release
python=$(command -v python3 || true)
echo "this system:"
say "${PRETTY_NAME:-unknown}, $(dpkg --print-architecture 2>/dev/null || uname -m), ${model:-no Raspberry Pi}"
[ "$(id -u)" = 0 ] || [ -n "$dry" ] || problem "must run as root: sudo $0"
[ -d /run/systemd/system ] || problem "systemd does not run here"
case ${ID:-}:${VERSION_CODENAME:-} in
  debian:bookworm | debian:trixie | raspbian:bookworm | raspbian:trixie) ;;
  *) say "note: tried on Debian and Raspberry Pi OS Bookworm and Trixie only" ;;
esac
case $(dpkg --print-architecture 2>/dev/null || true) in
  arm64 | amd64) ;;
  *) problem "needs a 64-bit system: install Raspberry Pi OS (64-bit)" ;;
esac
if [ -z "$python" ]; then
  problem "no python3: sudo apt install python3 python3-venv"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  problem "needs Python 3.11 or newer, this is $("$python" -V)"
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null && [ -z "$pi" ]; then
  problem "Python has no venv: sudo apt install python3-venv"
fi
if [ -d "$prefix" ] && [ ! -f "$marker" ] && [ -n "$(ls -A "$prefix")" ] &&
  [ ! -f "$prefix/installed" ]; then # that one is version 0.1.0's marker
  problem "$prefix is not empty and no install of smile-gate's: name another folder with --prefix"
fi
for link in current bin; do
  if [ -e "$prefix/$link" ] && [ ! -L "$prefix/$link" ]; then problem "$prefix/$link is in the way"; fi
done
place=$prefix; while [ ! -d "$place" ]; do place=$(dirname "$place"); done
free=$(($(df --output=avail -k "$place" | tail -1) / 1024))
[ "$free" -ge 800 ] || problem "$place has $free MB free; an install beside the old one needs 800 MB"
[ "$(date +%Y)" -ge 2025 ] || problem "the clock says $(date +%F): sudo timedatectl set-ntp true, or date --set"
if [ -n "$pi" ]; then
  compgen -G '/dev/gpiochip*' >/dev/null || problem "no /dev/gpiochip*: is this kernel a Raspberry Pi's?"
  compgen -G '/dev/video*' >/dev/null || say "note: no camera yet; the gate will say so and wait for one"
fi
old=$(readlink "$prefix/current" 2>/dev/null || true)
case $old in releases/*[!A-Za-z0-9._-]*) problem "$prefix/current points to $old, which no install made" ;; esac
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$source/gate/__init__.py")
release=$version-$(date +%Y%m%d-%H%M%S)
case $release in *[!A-Za-z0-9._-]*) problem "the version '$version' is no name for a folder" ;; esac
case $("$python" -c 'import sys; print(sys.version_info < (3, 12))' || true) in
  True) packages=$source/requirements/3.11/run.txt ;;
  *) packages=$source/requirements/3.13/run.txt ;;
esac
running=''; if systemctl -q is-active smile-gate 2>/dev/null; then running=yes; fi
starts=''
if [ -n "$start" ] && { [ -n "$running" ] || [ -n "$pi" ] || [ -e "$config" ]; }; then starts=yes; fi

echo "what will be done:"
[ -z "$pi" ] || say "apt-get install python3-picamera2 python3-lgpio python3-venv"
say "user smile-gate in the groups video and gpio; folders $state and /etc/smile-gate"
say "smile-gate $version in $prefix/releases/$release${wheels:+, packages from $wheels}"
if [ -e "$config" ]; then say "$config stays as it is; a new default goes to $config.new"; else say "$config with the defaults"; fi
say "the unit $unit, the man page, bash completion"
if [ -n "$old" ]; then say "$prefix/current changes from $old; if anything fails it stays"; fi
if [ -n "$starts" ]; then say "systemctl enable smile-gate, and ${running:+re}start it"; else say "systemctl enable smile-gate; not started"; fi

[ "$wrong" = 0 ] || fail "$wrong thing(s) to mend first; nothing was done"
if [ -n "$dry" ]; then echo "dry run: nothing was done"; exit 0; fi
if [ -z "$yes" ] && [ -t 0 ]; then
  read -r -p "go on? [y/N] " answer
  case $answer in y | Y | yes) ;; *) fail "stopped; nothing was done" ;; esac
fi

# --- build the new version beside the old one -----------------------------------------------------
new=$prefix/releases/$release
work=$(mktemp -d)
switched=''
give_up() { # the old version back, when there is one
  trap - EXIT
  if [ -n "$switched" ] && [ -n "$old" ]; then
    ln -s "$old" "$work/current" && mv -fT "$work/current" "$prefix/current"
    if [ -e "$work/unit" ]; then cp "$work/unit" "$unit"; fi
    systemctl daemon-reload
    systemctl reset-failed smile-gate 2>/dev/null || true
    if [ -n "$running" ]; then systemctl restart smile-gate || true; fi
  fi
  if [ -z "$switched" ] || [ -n "$old" ]; then
    rm -rf -- "$new"
    if [ -e "$work/marker" ]; then cp "$work/marker" "$marker"; else rm -f -- "$marker"; fi
    rmdir --ignore-fail-on-non-empty -- "$prefix/releases" "$prefix" 2>/dev/null || true
  fi
  rm -rf -- "$work"
  local left="nothing runs that did not run before"
  if [ -n "$running" ]; then
    left="the old version ($(basename "$old")) is $(systemctl is-active smile-gate || true)"
  fi
  echo "install.sh: $1; $left" >&2
  exit 1
}
trap 'give_up "failed at line $LINENO"' EXIT
trap 'exit 1' INT TERM
log=$work/log
quietly() { # quietly WHAT COMMAND...: its last lines are shown only if it fails
  local what=$1; shift
  say "$what"
  "$@" >"$log" 2>&1 || { tail -n 5 "$log" >&2; give_up "$what: failed"; }
}

echo "installing:"
if [ -n "$pi" ]; then
  quietly "Debian packages" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends python3-picamera2 python3-lgpio python3-venv
fi
install -D -m 644 "$source/systemd/smile-gate.sysusers" /usr/lib/sysusers.d/smile-gate.conf
quietly "user and groups" systemd-sysusers /usr/lib/sysusers.d/smile-gate.conf
install -d -m 750 -o smile-gate -g smile-gate "$state"
install -d -m 755 /etc/smile-gate "$unit.d" "$prefix" "$prefix/releases"
if [ -e "$marker" ]; then cp "$marker" "$work/marker"; fi
mark() { # mark RELEASE...: these are ours, with the links and what lies outside
  {
    echo "# Written by smile-gate's install.sh; uninstall.sh removes what is listed here, and no more."
    printf 'release %s\n' "$@"
    printf 'link %s\n' current bin
    printf 'file %s\n' "${outside[@]}"
  } >"$work/new-marker"
  install -m 644 "$work/new-marker" "$marker"
}
mapfile -t before < <(marked_releases)
if [ -f "$prefix/installed" ]; then # version 0.1.0 had no marker: what it made has its form of name
  for one in "$prefix"/releases/[0-9]*-[0-9]*-[0-9]*; do
    if [ -x "$one/bin/smile-gate" ] && [ ! -L "$one" ]; then before+=("${one##*/}"); fi
  done
fi
mapfile -t outside < <(marked file)
mark "${before[@]}" "$release"
mkdir "$work/source" # pip writes beside what it builds: not into the checkout
for part in gate models config setup.cfg pyproject.toml README.md LICENSE; do cp -r "$source/$part" "$work/source/"; done
quietly "virtual environment" "$python" -m venv ${pi:+--system-site-packages} "$new"
offline=(); [ -z "$wheels" ] || offline=(--no-index --find-links "$wheels")
pip=("$new/bin/python" -m pip install --no-input --disable-pip-version-check)
quietly "the packages, each by its hash" "${pip[@]}" "${offline[@]}" --require-hashes -r "$packages"
# Built by the setuptools that was just installed: nothing comes from elsewhere.
quietly "smile-gate $version" "${pip[@]}" --no-index --no-deps --no-build-isolation "$work/source"

# --- try it before it counts ----------------------------------------------------------------------
if [ -e "$config" ]; then
  cmp -s "$source/config/gate.yaml" "$config" || install -m 644 "$source/config/gate.yaml" "$config.new"
else
  install -m 644 "$source/config/gate.yaml" "$config"
fi
as_gate() { setpriv --reuid smile-gate --regid smile-gate --init-groups --inh-caps=-all -- "$@"; }
cd / # not where Python could import the checkout instead
quietly "self-check: version" as_gate "$new/bin/smile-gate" --version
quietly "self-check: $config" as_gate "$new/bin/smile-gate" check --config "$config"
# shellcheck disable=SC2016
quietly "self-check: the model loads" as_gate "$new/bin/python" -c '
import sys
from pathlib import Path
from gate.config.load import load
from gate.vision.from_config import open_model, open_pipeline
settings = load(Path(sys.argv[1]))
model = open_model(settings)
open_pipeline(settings, model)
model.close()' "$config"
if [ -n "$pi" ]; then quietly "self-check: camera and pin libraries" as_gate "$new/bin/python" -c 'import lgpio, picamera2'; fi

# --- switch ---------------------------------------------------------------------------------------
if [ -e "$unit" ]; then cp "$unit" "$work/unit"; fi
switched=yes
ln -s "releases/$release" "$work/current"
mv -fT "$work/current" "$prefix/current"
ln -sfn current/bin "$prefix/bin"
sed "s|/opt/smile-gate/|$prefix/|g" "$source/systemd/smile-gate.service" >"$work/new-unit"
install -m 644 "$work/new-unit" "$unit"
ln -sfn "$prefix/bin/smile-gate" /usr/local/bin/smile-gate
outside=("$unit" /usr/local/bin/smile-gate /usr/lib/sysusers.d/smile-gate.conf)
extra() { # extra FILE TARGET: only if this checkout has it
  if [ -e "$source/$1" ]; then install -D -m 644 "$source/$1" "$2"; outside+=("$2"); fi
}
extra docs/smile-gate.1 /usr/local/share/man/man1/smile-gate.1
extra config/gate.schema.json "$(dirname "$config")/gate.schema.json" # the first line of gate.yaml names it
extra systemd/smile-gate.bash-completion /etc/bash_completion.d/smile-gate
mark "${before[@]}" "$release"
rm -f -- "$prefix/installed"
systemctl daemon-reload
systemctl -q enable smile-gate
ready=''
if [ -n "$starts" ]; then
  systemctl reset-failed smile-gate 2>/dev/null || true
  say "starting"
  begun=$(date +%s%N)
  if ! systemctl restart smile-gate 2>"$log"; then
    why=$(journalctl -u smile-gate -o cat -n 60 --no-pager 2>/dev/null | grep -E '^(smile-gate: |/|[A-Za-z.]*Error)' | tail -1 || true)
    give_up "it does not start: ${why:-see journalctl -u smile-gate}"
  fi
  ready=$((($(date +%s%N) - begun) / 1000000))
  sleep 3 # one that dies at once is no success either
  if [ "$(systemctl show -p NRestarts --value smile-gate)" != 0 ] || ! systemctl -q is-active smile-gate; then
    give_up "it started, but ended within 3 s: see journalctl -u smile-gate"
  fi
fi

# --- keep one version to go back to ---------------------------------------------------------------
trap - EXIT
kept=("$release")
for one in "${before[@]}"; do
  if [ "releases/$one" = "$old" ]; then kept+=("$one"); else rm -rf -- "$prefix/releases/$one"; fi
done
mark "${kept[@]}"
rm -rf -- "$work"
echo "installed: smile-gate $version"
if [ -e "$config.new" ]; then say "the new defaults are in $config.new: compare them with yours"; fi
if [ -n "$ready" ]; then
  say "ready after $ready ms: $(systemctl show -p StatusText --value smile-gate)"
  say "next: smile-gate status, journalctl -u smile-gate -f"
else
  say "next: edit $config, smile-gate check --config $config, systemctl start smile-gate"
fi
