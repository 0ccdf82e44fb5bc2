# shellcheck shell=bash disable=SC2034
# The Debian packages that the project stands on, by what needs them. Sourced by tools/setup.
# NAME>=VERSION where an older version is known not to do; on Debian 12 those come from backports.

# What building and running the program needs.
RUN_PACKAGES=(
  bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto bazel-skylib
  g++ libabsl-dev libcap-dev libcivetweb-dev libcli11-dev libcurl4-openssl-dev libelf-dev libmnl-dev libncurses-dev
  libprotobuf-dev libre2-dev libtraceevent-dev libzstd-dev nlohmann-json3-dev prometheus-cpp-dev protobuf-compiler zlib1g-dev
  clang               # the BPF programs
  iproute2 procps
  'libbpf-dev>=1:1.3' # tcx and netkit links
  'libbpf1>=1:1.3'
  'linux-libc-dev>=6.7' # the same in linux/bpf.h
  'bpftool>=7.3'      # skeletons for that libbpf
)

# What tools/test needs besides.
TEST_PACKAGES=(
  clang-format clang-tidy
  chromium            # what `report --html` and our exports are looked at with
  git golang-go groff-base iputils-ping  # go: its pprof reads ours
  fish zsh            # that they take our completions
  libbenchmark-dev libgmock-dev libgtest-dev
  libclang-rt-dev     # libFuzzer and the sanitizers of clang
  llvm                # llvm-cov
  'linux-perf>=6.5'   # the recorder that ours is compared with; reports lost records
  bpftrace            # what must not suffer beside us
  debootstrap lintian # where our packages are tried
  nftables openssl python3 python3-jsonschema python3-protobuf python3-yaml python3-zstandard strace tmux tshark
)
# What tools/package needs besides.
PACKAGE_PACKAGES=(binutils gzip zstd)
# Unpacked and not installed, since installing them would start services.
UNPACKED_TEST_PACKAGES=(prometheus prometheus-alertmanager)

# The commands that a guest of tools/vm has; their dependencies come along, and the libraries of RUN_PACKAGES.
GUEST_PACKAGES=(
  bash busybox-static coreutils dash diffutils findutils grep kmod mount procps sed util-linux
  bpftool ethtool 'iproute2>=6.7' iputils-ping linux-perf nftables  # 6.7: netkit
  libcap2-bin
  python3 python3-protobuf python3-zstandard
  xdp-tools           # xdp-loader and libxdp's dispatcher
)
# What tools/vm needs besides: the machine, and what makes its images.
VM_PACKAGES=(
  qemu-system-x86
  squashfs-tools xz-utils
  "${GUEST_PACKAGES[@]}"
)

# What building libperf needs, only for as long as it is not there.
LIBPERF_PACKAGES=(g++ make xz-utils)
LIBPERF_SOURCE=linux-source-6.12
