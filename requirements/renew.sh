#!/usr/bin/env bash
# Writes the files of this folder anew: every package that an install takes, with the version of
# constraints.txt and the hashes of all its files, for every kind of machine. Called by
# `make requirements`; needs Python 3.11 and 3.13, and pip's package index.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Away from the checkout: setuptools leaves folders behind where it looks at a project.
cp -r gate setup.cfg pyproject.toml README.md LICENSE constraints.txt "$work/"
echo setuptools >"$work/build.in" # what builds the project itself, which is installed without isolation

for version in 3.11 3.13; do
  python=PYTHON${version/./}
  "${!python:-python$version}" -m venv "$work/$version"
  "$work/$version/bin/python" -m pip install --quiet --disable-pip-version-check pip-tools
  mkdir -p "requirements/$version"
  for extras in run:metrics dev:dev train:dev,train; do
    file=requirements/$version/${extras%%:*}.txt
    echo "$file"
    (
      cd "$work"
      IFS=,
      # shellcheck disable=SC2046,SC2086
      "$version/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras \
        --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host \
        --no-emit-find-links --no-emit-options --constraint constraints.txt \
        $(printf -- '--extra=%s,' ${extras#*:}) --output-file out.txt setup.cfg build.in
    )
    {
      echo "# Python $version: $(case ${extras%%:*} in
        run) echo 'the program as systemd/install.sh installs it, and make demo' ;;
        dev) echo 'what the tests need' ;;
        train) echo 'what training and its tests need, on x86-64' ;;
      esac)"
      echo "# Written by make requirements; pip reads it with --require-hashes."
      sed '/^# /d; /^smile-gate @ /d' "$work/out.txt" # the extra dev names the project's others
    } >"$file"
    rm "$work/out.txt"
  done
done
