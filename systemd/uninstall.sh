#!/usr/bin/env bash
# Removes smile-gate. The audit log and the settings stay, unless --purge says otherwise.
set -euo pipefail

prefix=/opt/smile-gate purge='' dry='' yes=''
while [ $# -gt 0 ]; do
  case $1 in
    --purge) purge=yes ;;
    --dry-run) dry=yes ;;
    --yes) yes=yes ;;
    --prefix) prefix=${2:?--prefix needs a folder}; shift ;;
    -h | --help)
      cat <<'TEXT'
Usage: sudo ./systemd/uninstall.sh [--purge [--yes]] [--dry-run] [--prefix DIR]

Stops the gate with its lines safe and removes what install.sh made: the program, its unit, man
page and completion. Anything else stays, also in the program's folder.
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

. "$(dirname "$(readlink -f "$0")")/common.sh"
prefix=$(our_prefix "$prefix") || { echo "uninstall.sh: $prefix" >&2; exit 2; }

# --- what is ours ---------------------------------------------------------------------------------
gone=()
ours() { if [ -e "$1" ] || [ -L "$1" ]; then gone+=("$1"); fi; }
if [ -f "$prefix/$marker_name" ]; then
  mapfile -t releases < <(marked_releases)
  while read -r file; do
    case $file in
      /usr/local/bin/smile-gate)
        if [ "$(readlink "$file" || true)" = "$prefix/bin/smile-gate" ]; then ours "$file"; fi ;;
      /etc/systemd/system/smile-gate.service | /usr/lib/sysusers.d/smile-gate.conf) ours "$file" ;;
      /usr/local/share/man/man1/smile-gate.1 | /etc/bash_completion.d/smile-gate) ours "$file" ;;
    esac
  done < <(marked file)
  current=$(readlink "$prefix/current" || true)
  for release in "${releases[@]}"; do
    if [ "$current" = "releases/$release" ]; then ours "$prefix/current"; fi
  done
  if [ "$(readlink "$prefix/bin" || true)" = current/bin ]; then ours "$prefix/bin"; fi
  for release in "${releases[@]}"; do ours "$prefix/releases/$release"; done
  ours "$prefix/$marker_name"
elif [ -z "$purge" ]; then
  if [ -f "$prefix/installed" ]; then
    echo "uninstall.sh: $prefix is from version 0.1.0, which did not note what is its own: run install.sh first, then this" >&2
  else
    echo "uninstall.sh: smile-gate is not installed in $prefix; name its folder with --prefix" >&2
  fi
  exit 1
fi
kept=(/etc/smile-gate /var/lib/smile-gate)
if [ -n "$purge" ]; then
  gone+=("${kept[@]}" /etc/systemd/system/smile-gate.service.d /etc/systemd/system.conf.d/smile-gate.conf)
fi

if [ -n "$dry" ]; then
  printf 'would remove %s\n' "${gone[@]}"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "uninstall.sh: must run as root: sudo $0" >&2; exit 1; }
if [ -n "$purge" ] && [ -z "$yes" ]; then
  [ -t 0 ] || { echo "uninstall.sh: --purge deletes the audit log; give --yes as well" >&2; exit 2; }
  read -r -p "delete the audit log and the settings for good? [y/N] " answer
  case $answer in y | Y | yes) ;; *) echo "stopped; nothing was removed"; exit 1 ;; esac
fi

# --- remove it ------------------------------------------------------------------------------------
# Disabled first: a stop ends in the unit's safe state, which needs the program.
systemctl disable --now smile-gate 2>/dev/null || true
rm -rf -- "${gone[@]}"
rmdir --ignore-fail-on-non-empty -- "$prefix/releases" "$prefix" 2>/dev/null || true
systemctl daemon-reload
systemctl reset-failed smile-gate 2>/dev/null || true
if [ -n "$purge" ]; then
  userdel smile-gate 2>/dev/null || true
  groupdel smile-gate 2>/dev/null || true
  echo "smile-gate is gone, with its log and its settings"
else
  echo "smile-gate is removed; its settings and its log stay in ${kept[*]} (--purge removes them)"
fi
if [ -d "$prefix" ]; then echo "  what was not smile-gate's stays in $prefix"; fi
