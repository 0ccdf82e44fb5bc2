# shellcheck shell=bash disable=SC2154
# What tools/vm boots from, each made once and kept: a kernel with its modules, and a root file system of the host's
# own packages. The caller sets ROOT, TOOLS, VM_CACHE, `say` and `die`, and has sourced packages.sh and kernels.sh.

# Images are read by an emulated CPU: they are not compressed. Whoever makes them, in the guest all belongs to root.
readonly SQUASHFS=(-noI -noD -noF -noX -force-uid 0 -force-gid 0 -no-progress -quiet)

# What a guest needs before it can read its root file system. Some of it is built into some kernels.
readonly BOOT_MODULES=(virtio_pci virtio_blk virtio_console squashfs overlay)

# cached NAME KEY COMMAND...: the folder VM_CACHE/NAME, which COMMAND... FOLDER fills if it is not of this key.
# CACHED is set to it. Two that want the same wait for each other.
cached() {
  local name=$1 key=$2 new lock
  shift 2
  CACHED="$VM_CACHE/$name"
  exec {lock}>"$VM_CACHE/.lock"
  flock "$lock"
  if [[ $(cat "$CACHED/key" 2>/dev/null) != "$key" ]]; then
    new="$VM_CACHE/$name.new"
    rm -rf "$new"
    mkdir "$new"
    "$@" "$new" {lock}>&-
    echo "$key" >"$new/key"
    rm -rf "$CACHED.old"
    [[ ! -e $CACHED ]] || mv -T "$CACHED" "$CACHED.old"
    mv -T "$new" "$CACHED"
    rm -rf "$CACHED.old"  # a machine that runs from it holds its files open
  fi
  exec {lock}>&-
}

# Stands for the code that makes an image.
recipe() {
  (cd "$TOOLS" && cat internal/vm_images.sh "$@" | cksum | cut -d ' ' -f 1)
}

# pack_folder FOLDER: an archive of it, as the kernel reads it.
pack_folder() {
  (cd "$1" && find . -print0 | LC_ALL=C sort -z | /bin/busybox cpio -o -0 -H newc -R 0:0 2>/dev/null)
}

# prepare_kernel NAME: CACHED has vmlinuz, initrd, modules.squashfs, and version.
prepare_kernel() {
  find_kernel "$1"
  cached "kernel-$1" "$KERNEL_SUITE $KERNEL_PACKAGE $(recipe internal/kernels.sh internal/guest/init internal/guest/start)" make_kernel "$1"
}

make_kernel() {
  local name=$1 out=$2 version tree module kind path
  local work="$out/work"
  mkdir "$work"
  download_kernel "$name" "$work"
  tree="$work/tree"
  # Where the folders of old are links, the packages of today say /usr.
  if [[ -d $tree/lib && ! -L $tree/lib ]]; then
    mkdir -p "$tree/usr/lib"
    cp -al "$tree/lib/." "$tree/usr/lib/"
    rm -rf "$tree/lib"
  fi
  ln -sfn usr/lib "$tree/lib"
  version=$(cd "$tree/lib/modules" && echo *)
  [[ $version && $version != *' '* ]] || die "the packages of kernel $name hold modules of '$version'"
  cp "$tree/boot/vmlinuz-$version" "$out/vmlinuz" 2>/dev/null || cp "$tree/lib/modules/$version/vmlinuz" "$out/vmlinuz" ||
    die "the packages of kernel $name hold no vmlinuz"
  rm -f "$tree/lib/modules/$version"/{vmlinuz,build,source}
  /usr/sbin/depmod -b "$tree" "$version"

  mkdir -p "$work/initrd"/{bin,dev,proc,sys,modules,layers,root}
  cp /bin/busybox "$work/initrd/bin/busybox"
  install -m 755 "$TOOLS/internal/guest/init" "$TOOLS/internal/guest/start" "$work/initrd/"
  for module in "${BOOT_MODULES[@]}"; do
    /usr/sbin/modprobe -d "$tree" -S "$version" --show-depends "$module" || die "kernel $name lacks $module"
  done | while read -r kind path _; do
    [[ $kind == insmod ]] || continue
    module=$(basename "$path")
    module=${module%.xz}
    [[ ! -e $work/initrd/modules/$module ]] || continue
    case "$path" in
      *.xz) xz -dc "$path" ;;
      *) cat "$path" ;;
    esac >"$work/initrd/modules/$module"
    echo "$module" >>"$work/initrd/modules/order"
  done
  pack_folder "$work/initrd" >"$out/initrd"
  tar -C "$tree/lib/modules" -c "$version" | sqfstar "${SQUASHFS[@]}" "$out/modules.squashfs"
  echo "$version" >"$out/version"
  rm -rf "$work"
}

# prepare_root: CACHED has root.squashfs, with what the host's packages hold. Their configuration scripts have not
# run in there: tools/internal/guest/start makes what a guest needs of that.
prepare_root() {
  local seeds=("${GUEST_PACKAGES[@]%%>=*}" base-files libc-bin) package packages
  for package in "${RUN_PACKAGES[@]%%>=*}"; do
    # Their headers are left out; the libraries they depend on are what counts.
    [[ $package != *-dev ]] || seeds+=("$package")
  done
  mapfile -t packages < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances --installed "${seeds[@]}" | grep -E '^[a-z0-9]' | LC_ALL=C sort -u)
  # shellcheck disable=SC2016  # dpkg-query expands these
  mapfile -t packages < <(dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\n' "${packages[@]}" 2>/dev/null |
    sed -n 's/^installed //p')
  cached root "$(recipe) $(printf '%s\n' "${packages[@]}" | cksum)" make_root "${packages[@]% *}"
}

make_root() {
  local out=${!#} packages=("${@:1:$#-1}") path
  say "making a root file system of ${#packages[@]} packages"
  {
    printf '%s\n' /bin /sbin /lib /lib64 /etc/ld.so.cache
    find /usr/bin /usr/sbin /etc/alternatives -type l -lname '/etc/alternatives/*' -o -path '/etc/alternatives/*' -type l
    # The folders of old are links into /usr on every Debian 12.
    dpkg-query -L "${packages[@]}" | sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,'
  } | grep -vE '^/(boot|dev|proc|run|sys|tmp|usr/include|usr/src|var)(/|$)|^/usr/share/(doc|info|lintian|locale|man)(/|$)|\.(a|h|pc|pyc)$' |
    LC_ALL=C sort -u | while read -r path; do
      if [[ $path == /?* && ( -L $path || -r $path ) ]]; then printf '%s\n' "${path#/}"; fi
    done >"$out/files"
  tar -C / -c --no-recursion --verbatim-files-from -T "$out/files" | sqfstar "${SQUASHFS[@]}" "$out/root.squashfs"
}
