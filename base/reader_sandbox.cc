#include "base/reader_sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "base/errno_status.h"

namespace correlate {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
constexpr uint32_t kNumbersEnd = 0x40000000;  // x32's begin here (__X32_SYSCALL_BIT)
#elif defined(__aarch64__)
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
constexpr uint32_t kNumbersEnd = UINT32_MAX;
#else
constexpr uint32_t kMachine = 0;
constexpr uint32_t kNumbersEnd = 0;
#endif

constexpr uint32_t kRefused[] = {
    // Programs, other processes.
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_pidfd_getfd,
    // The network, and what would do it for us.
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    // The kernel.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_keyctl, SYS_add_key, SYS_request_key,
    // Namespaces, mounts, identity.
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_fsopen,
    SYS_fsmount, SYS_move_mount, SYS_open_tree, SYS_swapon, SYS_swapoff, SYS_settimeofday,
    SYS_clock_settime, SYS_sethostname, SYS_setdomainname, SYS_open_by_handle_at};

absl::Status Enter() {
  if (kMachine == 0) return absl::FailedPreconditionError("no sandbox for this machine");
  // Jumps count from the next instruction: to `refuse`, the last but one, or `allow`, the last.
  constexpr size_t kCalls = sizeof kRefused / sizeof kRefused[0];
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMachine, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kNumbersEnd, kCalls, 0),
  };
  for (size_t i = 0; i < kCalls; ++i) {
    const auto to_refuse = static_cast<uint8_t>(kCalls - 1 - i);
    // The last one that does not match goes over `refuse`.
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kRefused[i], to_refuse,
                              static_cast<uint8_t>(i + 1 == kCalls ? 1 : 0)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  // Without it a filter needs CAP_SYS_ADMIN.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "prctl(PR_SET_NO_NEW_PRIVS)");
  }
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    return absl::FailedPreconditionError(
        ErrnoStatus(errno, "no sandbox for what is read: seccomp(2)").message());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterReaderSandbox() {
  static const absl::Status entered = Enter();
  return entered;
}

}  // namespace correlate
