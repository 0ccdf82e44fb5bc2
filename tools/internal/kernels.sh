# shellcheck shell=bash disable=SC2034,SC2154
# The kernels that tools/vm knows, and how one gets from Debian's archive into a folder: by an apt whose sources and
# state are its own, so that the host's are neither needed nor changed. Nothing is installed. The caller sets `say`
# and `die`.

# NAME SUITE PACKAGE: PACKAGE and what it depends on by the name of a kernel package are unpacked together. A meta
# package follows the suite; NAME is what its version has to begin with.
KERNELS=(
  '5.10 bullseye linux-image-cloud-amd64'
  '6.1 bookworm linux-image-cloud-amd64'
  '6.12 bookworm-backports linux-image-cloud-amd64'
  '7.2 sid linux-image-cloud-amd64'
)

# Sets KERNEL_SUITE and KERNEL_PACKAGE.
find_kernel() {
  local line name known=()
  for line in "${KERNELS[@]}"; do
    read -r name KERNEL_SUITE KERNEL_PACKAGE <<<"$line"
    [[ $name != "$1" ]] || return 0
    known+=("$name")
  done
  die "knows no kernel '$1'; there are: ${known[*]}"
}

# The archive that the host's own release comes from.
debian_mirror() {
  local codename
  # shellcheck source=/dev/null
  codename=$(source /etc/os-release && echo "${VERSION_CODENAME-}")
  # shellcheck disable=SC2016  # apt-get expands these
  apt-get indextargets --format '$(REPO_URI)|$(CODENAME)|$(RELEASE)' 'Created-By: Packages' |
    awk -F'|' -v s="$codename" '($2 == s || $3 == s) && $1 !~ /^cdrom:/ {print $1; exit}'
}

# download_kernel NAME WORK: unpacks the kernel's packages into WORK/tree. Takes find_kernel's variables.
download_kernel() {
  local name=$1 work=$2 mirror queue package deb version=
  mirror=$(debian_mirror)
  [[ $mirror ]] || die "found no source of this Debian release in apt's configuration to take $KERNEL_SUITE from"
  mkdir -p "$work"/{debs,tree} "$work"/apt/{state/lists/partial,cache/archives/partial}
  cat >"$work/apt/kernel.sources" <<END
Types: deb
URIs: $mirror
Suites: $KERNEL_SUITE
Components: main
Architectures: amd64
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  : >"$work/apt/status"
  local options=(
    -q -o Dir::Etc::SourceList="$work/apt/kernel.sources" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State="$work/apt/state" -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache"
    -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o Acquire::Languages=none -o Acquire::Retries=2
  )
  say "fetching $KERNEL_PACKAGE of $KERNEL_SUITE"
  apt-get "${options[@]}" update >>"$work/log" 2>&1 || kernel_failed "reading the package lists of $KERNEL_SUITE" "$work"
  queue=("$KERNEL_PACKAGE")
  while ((${#queue[@]})); do
    package=${queue[0]}
    queue=("${queue[@]:1}")
    compgen -G "$work/debs/${package}_*.deb" >/dev/null && continue
    (cd "$work/debs" && apt-get "${options[@]}" download "$package") >>"$work/log" 2>&1 ||
      kernel_failed "downloading $package" "$work"
    deb=$(compgen -G "$work/debs/${package}_*.deb")
    : "${version:=$(dpkg-deb -f "$deb" Version)}"
    [[ $version == "$name".* ]] || die "$KERNEL_PACKAGE of $KERNEL_SUITE is $version now, no $name: see tools/internal/kernels.sh"
    dpkg-deb -x "$deb" "$work/tree"
    mapfile -t -O "${#queue[@]}" queue < <(dpkg-deb -f "$deb" Depends | tr ',|' '\n\n' |
      sed -E 's/^ *([^ :(]+).*/\1/' | grep -E '^linux-(base|image|binary|modules)-[0-9]')
  done
}

kernel_failed() {
  tail -n 15 "$2/log" | sed 's/^/  | /' >&2
  die "$1 failed, see above"
}
