#!/usr/bin/env bash
# Removes smile-gate. The audit log and the settings stay, unless --purge says otherwise.
set -euo pipefail

prefix=/opt/smile-gate purge='' dry='' yes=''
while [ $# -gt 0 ]; do
  case $1 in
    --purge) purge=yes ;;
    --dry-run) dry=yes ;;
    --yes) yes=yes ;;
    --prefix) prefix=$(realpath -m -- "${2:?--prefix needs a folder}"); shift ;;
    -h | --help)
      cat <<'TEXT'
Usage: sudo ./systemd/uninstall.sh [--purge [--yes]] [--dry-run] [--prefix DIR]

Stops the gate with its lines safe and removes the program, its unit, man page and completion.
  --purge       remove the audit log, the settings and the user too: they are gone for good
  --yes         with --purge: do not ask
  --dry-run     say what would be removed, and remove nothing
  --prefix DIR  where the program is (default /opt/smile-gate)

Example: sudo ./systemd/uninstall.sh
TEXT
      exit 0 ;;
    *) echo "uninstall.sh: unknown option $1; see --help" >&2; exit 2 ;;
  esac
  shift
done

files=()
if [ -e "$prefix/installed" ]; then mapfile -t files <"$prefix/installed"; fi
files+=("$prefix/releases" "$prefix/current" "$prefix/bin" "$prefix/installed")
kept=(/etc/smile-gate /var/lib/smile-gate)
if [ -n "$purge" ]; then
  files+=("${kept[@]}" /etc/systemd/system/smile-gate.service.d /etc/systemd/system.conf.d/smile-gate.conf)
fi
if [ -n "$dry" ]; then
  printf 'would remove %s\n' "${files[@]}"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "uninstall.sh: must run as root: sudo $0" >&2; exit 1; }
if [ -n "$purge" ] && [ -z "$yes" ]; then
  [ -t 0 ] || { echo "uninstall.sh: --purge deletes the audit log; give --yes as well" >&2; exit 2; }
  read -r -p "delete the audit log and the settings for good? [y/N] " answer
  case $answer in y | Y | yes) ;; *) echo "stopped; nothing was removed"; exit 1 ;; esac
fi

# Disabled first: a stop ends in the unit's safe state, which needs the program.
systemctl disable --now smile-gate 2>/dev/null || true
rm -rf -- "${files[@]}"
rmdir --ignore-fail-on-non-empty "$prefix" 2>/dev/null || true
systemctl daemon-reload
systemctl reset-failed smile-gate 2>/dev/null || true
if [ -n "$purge" ]; then
  userdel smile-gate 2>/dev/null || true
  groupdel smile-gate 2>/dev/null || true
  echo "smile-gate is gone, with its log and its settings"
else
  echo "smile-gate is removed; its settings and its log stay in ${kept[*]} (--purge removes them)"
fi
