# Read by install.sh and uninstall.sh: which folder is ours, and what in it.
# shellcheck shell=bash

marker_name=.smile-gate-install

# our_prefix PATH: says PATH without links, or why it can't be the program's folder.
our_prefix() {
  local path=$1
  case $path in
    /*) ;;
    *) echo "--prefix must be an absolute path, such as /opt/smile-gate"; return 1 ;;
  esac
  case $path in
    *[!A-Za-z0-9._/-]* | */../* | */..) echo "--prefix may have letters, digits and . _ - / only"; return 1 ;;
  esac
  path=$(realpath -m -- "$path")
  case $path in
    *[!A-Za-z0-9._/-]*) echo "--prefix leads to $path: letters, digits and . _ - / only"; return 1 ;;
    / | /usr/local | /usr/[!l]* | /usr/lib* | /boot/* | /dev/* | /etc/* | /proc/* | /run/* | /sys/*)
      echo "--prefix $path belongs to the system; name a folder of its own, such as /opt/smile-gate"
      return 1 ;;
    /*/*) ;;
    *) echo "--prefix $path belongs to the system; name a folder of its own, such as /opt/smile-gate"
      return 1 ;;
  esac
  echo "$path"
}

# marked KIND: the names that the marker of $prefix lists under it; lines of another form are none.
marked() {
  [ -f "$prefix/$marker_name" ] || return 0
  sed -n "s/^$1 \([A-Za-z0-9_/][A-Za-z0-9._/-]*\)\$/\1/p" "$prefix/$marker_name" | grep -v '\.\.' || true
}

# marked_releases: those that are folders below releases/, by name.
marked_releases() {
  local name
  while read -r name; do
    case $name in */* | '') ;; *) if [ -d "$prefix/releases/$name" ] && [ ! -L "$prefix/releases/$name" ]; then echo "$name"; fi ;; esac
  done < <(marked release)
}
