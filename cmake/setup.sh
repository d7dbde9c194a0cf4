# shellcheck shell=bash
# Sourced by app/run and tests/run: finds or installs packages, configures and builds.

headroom_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# missing_packages LIST...: names of the packages in these files of cmake/ that are not installed, on one line.
missing_packages() {
  local package
  local -a lists=("${@/#/$headroom_root/cmake/}")
  while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s ' "$package"
  done < <(cat "${lists[@]}")
}

# install_packages LIST...: installs what is missing, or says in one sentence what to install.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system; the libraries listed in $(printf 'cmake/%s ' "$@")are taken to be there." >&2
    return 0
  fi
  local missing
  missing=$(missing_packages "$@")
  [[ -z $missing ]] && return 0
  local -a as_root=()
  if ((EUID != 0)); then
    if sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      echo "Please install these packages and run this again: sudo apt-get install $missing" >&2
      return 1
    fi
  fi
  echo "Installing: $missing"
  # shellcheck disable=SC2086  # a list of names
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

# build PRESET [CMAKE_ARGUMENT...] [-- TARGET...] configures and builds build/PRESET.
build() {
  local preset=$1
  shift
  local -a configure=()
  while (($#)) && [[ $1 != -- ]]; do
    configure+=("$1")
    shift
  done
  (($#)) && shift
  (
    cd "$headroom_root" || exit 1
    cmake --preset "$preset" "${configure[@]}" >"$headroom_root/build/configure-$preset.log" 2>&1 || {
      cat "$headroom_root/build/configure-$preset.log" >&2
      exit 1
    }
    cmake --build "build/$preset" ${1:+--target "$@"}
  )
}

mkdir -p "$headroom_root/build"
