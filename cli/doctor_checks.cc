#include "cli/doctor_checks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace correlate {
namespace {

using State = Check::State;

constexpr char kAsRoot[] = "sudo bpftrace-correlate ...";
constexpr int64_t kUsualMaxStack = 64;  // record --max-stack

Check Ok(std::string name, std::string found) {
  return {.name = std::move(name), .state = State::kOk, .found = std::move(found)};
}

std::string SetSysctl(absl::string_view name, int64_t value) {
  return absl::StrCat("sudo sysctl ", name, "=", value);
}

class Examination {
 public:
  explicit Examination(const HostCapabilities& host) : host_(host) {}
  std::vector<Check> Run() &&;

 private:
  bool Has(int capability) const { return host_.capabilities.Has(capability); }

  // OK, or `state` with the reason as it was found.
  void Probe(std::string name, const absl::Status& status, std::string ok, State state,
             std::string cost, std::string mend);
  void Capability(std::string name, bool has, State state, std::string cost);
  // The value as it is; `bad` says what a value costs, or nothing.
  template <typename Judge>
  void Value(std::string name, const Sysctl& value, Judge judge);

  void Capabilities();
  void Probes();
  void PerfSettings();
  void SymbolSettings();
  void BpfSettings();
  void Memlock();

  const HostCapabilities& host_;
  std::vector<Check> checks_;
};

void Examination::Probe(std::string name, const absl::Status& status, std::string ok, State state,
                        std::string cost, std::string mend) {
  if (status.ok()) {
    checks_.push_back(Ok(std::move(name), std::move(ok)));
  } else {
    checks_.push_back(
        {std::move(name), state, std::string(status.message()), std::move(cost), std::move(mend)});
  }
}

void Examination::Capability(std::string name, bool has, State state, std::string cost) {
  if (has) {
    checks_.push_back(Ok(std::move(name), "effective"));
  } else {
    checks_.push_back({std::move(name), state, "not effective", std::move(cost), kAsRoot});
  }
}

template <typename Judge>
void Examination::Value(std::string name, const Sysctl& value, Judge judge) {
  if (!value.has_value()) {
    checks_.push_back({.name = std::move(name),
                       .state = State::kUnknown,
                       .found = "not there, or not readable for this user"});
    return;
  }
  Check check = Ok(std::move(name), absl::StrCat(*value));
  judge(*value, check);
  checks_.push_back(std::move(check));
}

void Examination::Capabilities() {
  const bool admin = Has(CAP_SYS_ADMIN);
  Capability("CAP_SYS_ADMIN", admin, State::kMissing,
             "no BPF program can be looked at by its id, no other network namespace entered");
  Capability("CAP_PERFMON", admin || Has(CAP_PERFMON),
             host_.tracepoint.ok() ? State::kDegraded : State::kMissing,
             "tracepoints of all processes only where kernel.perf_event_paranoid is -1");
  Capability("CAP_BPF", admin || Has(CAP_BPF), State::kDegraded,
             "this tool can load no BPF program of its own");
  Capability("CAP_NET_ADMIN", admin || Has(CAP_NET_ADMIN), State::kDegraded,
             "programs attached by tcx are not seen");
  Capability("CAP_SYS_PTRACE", Has(CAP_SYS_PTRACE), State::kDegraded,
             "network namespaces of other users' processes are not seen unless they have a name");
  Capability("CAP_IPC_LOCK", Has(CAP_IPC_LOCK), State::kDegraded,
             "rings are limited by kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK: more is lost in "
             "a storm");
  Capability("CAP_SYSLOG", Has(CAP_SYSLOG), State::kDegraded,
             "addresses of the kernel are hidden where kernel.kptr_restrict is 1 or "
             "kernel.perf_event_paranoid is above 1");
}

void Examination::Probes() {
  if (host_.lockdown_confidentiality) {
    checks_.push_back({"kernel lockdown", State::kMissing, "confidentiality",
                       "tracepoints and BPF programs may not read the kernel's memory",
                       "boot without lockdown=confidentiality"});
  }
  Probe("tracefs", host_.tracefs,
        host_.tracefs_mount_point.empty() ? "mounted nowhere; reached by a private mount"
                                          : "mounted at " + host_.tracefs_mount_point,
        State::kMissing, "no tracepoint can be recorded", kAsRoot);
  Probe("tracepoints", host_.tracepoint, "perf_event_open of skb:kfree_skb works", State::kMissing,
        "no tracepoint can be recorded", kAsRoot);
  if (host_.tracepoint.ok()) {
    Check lost = Ok("PERF_FORMAT_LOST", "supported");
    if (!host_.perf_format_lost) {
      lost.state = State::kDegraded;
      lost.found = "not supported";
      lost.cost = "losses are known only from LOST records, which come late or never";
      lost.mend = "Linux 6.0 or later";
    }
    checks_.push_back(std::move(lost));
  }
  if (host_.tracefs.ok()) {
    Check reasons = Ok("drop reasons", "skb:kfree_skb tells them");
    if (!host_.drop_reasons) {
      reasons = {reasons.name, State::kDegraded, "skb:kfree_skb tells none",
                 "what a verdict dropped cannot be told from other drops: only what has a program "
                 "on its callchain is attributed",
                 "Linux 5.17 or later"};
    }
    checks_.push_back(std::move(reasons));
  }
  Probe("BPF programs by id", host_.program_ids, "can be looked at", State::kDegraded,
        "programs that were loaded before the recording have no names and no source lines",
        kAsRoot);
  Probe("network namespaces", host_.enter_netns, "can be entered", State::kDegraded,
        "devices and attachments are known in our own network namespace only", kAsRoot);
  Check btf = Ok("kernel BTF", "/sys/kernel/btf/vmlinux");
  if (!host_.kernel_btf) {
    btf = {btf.name, State::kDegraded, "/sys/kernel/btf/vmlinux is not there or not readable",
           "device, namespace and addresses of a dropped packet cannot be read",
           "a kernel with CONFIG_DEBUG_INFO_BTF"};
  }
  checks_.push_back(std::move(btf));
  Probe("BPF on tracepoints (tp_btf)", host_.tracing_program, "loads", State::kDegraded,
        "device, namespace and addresses of a dropped packet cannot be read",
        Has(CAP_SYS_ADMIN) ? "a kernel with BTF and BPF tracing programs" : kAsRoot);
  Probe("BPF on tracepoints (raw_tp)", host_.raw_tracepoint_program, "loads", State::kDegraded,
        "nothing can be counted in the kernel",
        Has(CAP_SYS_ADMIN) ? "a kernel that does not refuse BPF tracing programs" : kAsRoot);
  Probe("links of BPF programs", host_.link_iterator, "listed with their namespaces",
        State::kDegraded,
        "which link holds an XDP program, and programs in network namespaces that only links lead "
        "to, cannot be seen",
        Has(CAP_SYS_ADMIN) ? "Linux 5.19 or later, with BTF" : kAsRoot);
  Probe(
      "trampolines (fentry, fexit)", host_.trampoline, "attach", State::kDegraded,
      "what a program returned cannot be seen: no attribution by verdict, and drops by native "
      "XDP_DROP stay unseen",
      Has(CAP_SYS_ADMIN) ? "a kernel with ftrace direct calls that does not refuse them" : kAsRoot);
}

void Examination::PerfSettings() {
  const bool perfmon = Has(CAP_SYS_ADMIN) || Has(CAP_PERFMON);
  Value("kernel.perf_event_paranoid", host_.perf_event_paranoid, [&](int64_t value, Check& check) {
    if (perfmon || value <= -1) {
      if (perfmon && value > -1) check.found += ", which does not bind CAP_PERFMON";
      return;
    }
    check.state = State::kMissing;
    check.cost = "no tracepoint of other users' processes or of the kernel can be recorded";
    check.mend = SetSysctl(check.name, -1);
  });
  Value("kernel.perf_event_max_stack", host_.perf_event_max_stack, [](int64_t value, Check& check) {
    if (value >= kUsualMaxStack) return;
    check.state = State::kDegraded;
    check.cost = absl::StrCat("callchains end after ", value, " frames");
    check.mend = SetSysctl(check.name, 127);
  });
  Value("kernel.perf_event_mlock_kb", host_.perf_event_mlock_kb, [&](int64_t value, Check& check) {
    if (Has(CAP_IPC_LOCK)) {
      check.found += ", which does not bind CAP_IPC_LOCK";
      return;
    }
    check.state = State::kDegraded;
    check.cost = absl::StrCat("rings of a user take at most about ", value,
                              " KiB a CPU: more is lost in a storm");
    check.mend = SetSysctl(check.name, 16384);
  });
}

void Examination::SymbolSettings() {
  Check kallsyms = Ok("kallsyms", "has addresses");
  if (host_.kallsyms_hidden) {
    kallsyms = {
        kallsyms.name, State::kDegraded, "no addresses for us",
        "frames and drop locations of the kernel have no names",
        host_.kptr_restrict.value_or(0) >= 2 ? SetSysctl("kernel.kptr_restrict", 1) : kAsRoot};
  }
  checks_.push_back(std::move(kallsyms));
  Value("kernel.kptr_restrict", host_.kptr_restrict, [&](int64_t value, Check& check) {
    if (value <= 0 || (value == 1 && Has(CAP_SYSLOG))) return;
    check.state = State::kDegraded;
    check.cost = absl::StrCat("addresses of the kernel and of BPF programs are hidden",
                              value >= 2 ? " even from root" : "",
                              ": frames have no names, free-in-helper drops no program");
    check.mend = value >= 2 ? SetSysctl(check.name, 1) : kAsRoot;
  });
}

void Examination::BpfSettings() {
  Value("net.core.bpf_jit_enable", host_.bpf_jit_enable, [](int64_t value, Check& check) {
    if (value != 0) return;
    check.state = State::kDegraded;
    check.cost = "BPF programs are interpreted: callchains have no frames of theirs";
    check.mend = SetSysctl(check.name, 1);
  });
  Value("net.core.bpf_jit_kallsyms", host_.bpf_jit_kallsyms, [](int64_t value, Check& check) {
    if (value != 0) return;
    check.state = State::kDegraded;
    check.cost = "BPF trampolines and dispatchers that are older than the recording have no names";
    check.mend = SetSysctl(check.name, 1);
  });
  Value("kernel.unprivileged_bpf_disabled", host_.unprivileged_bpf_disabled,
        [](int64_t, Check& check) { check.found += ", which binds no privileged user"; });
}

void Examination::Memlock() {
  const std::string limit = host_.memlock_limit_bytes == UINT64_MAX
                                ? "unlimited"
                                : absl::StrCat(host_.memlock_limit_bytes / 1024, " KiB");
  Check check = Ok("RLIMIT_MEMLOCK", limit);
  // BPF memory is charged to memory cgroups since 5.11 (kernel/bpf/memalloc, bpf_memcg).
  if (host_.kernel_version >= KernelVersion{5, 11}) {
    check.found += ", which BPF is not charged to on this kernel";
  } else if (host_.memlock_limit_bytes < uint64_t{64} << 20 && !Has(CAP_SYS_RESOURCE)) {
    check.state = State::kDegraded;
    check.cost = "this tool's own BPF programs and maps may be refused";
    check.mend = "ulimit -l unlimited";
  }
  checks_.push_back(std::move(check));
}

std::vector<Check> Examination::Run() && {
  Capabilities();
  Probes();
  PerfSettings();
  SymbolSettings();
  BpfSettings();
  Memlock();
  return std::move(checks_);
}

}  // namespace

absl::string_view StateName(Check::State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kUnknown:
      return "unknown";
    case State::kDegraded:
      return "degraded";
    case State::kMissing:
      return "missing";
  }
  return "";
}

Check AttributionCheck(const absl::StatusOr<AttributionCost>& cost) {
  Check check = {.name = "record --attribution"};
  if (!cost.ok()) {
    check.state = State::kUnknown;
    check.found = absl::StrCat("its cost cannot be measured: ", cost.status().message());
    return check;
  }
  const auto added = [](double ns) { return absl::StrFormat("%+.0f ns", ns); };
  check.found =
      absl::StrCat("auto ", added(cost->auto_added_ns), ", verdict ", added(cost->verdict_added_ns),
                   " for a packet of ", absl::StrFormat("%.0f ns", cost->packet_ns),
                   " that passes a device with ", cost->programs, " programs",
                   cost->follows_exits ? "" : " (by run counts: no trampolines here)");
  return check;
}

Check LoadCheck(const LoadTrial& trial) {
  Check check = {.name = absl::StrCat("our BPF: ", trial.object)};
  if (trial.status.ok()) {
    check.found = absl::StrCat(trial.programs, trial.programs == 1 ? " program" : " programs");
    if (trial.instructions != 0) {
      absl::StrAppend(&check.found, ", ", trial.instructions, " instructions verified");
    }
    return check;
  }
  check.state = State::kDegraded;
  check.found = std::string(trial.status.message());
  return check;
}

std::vector<Check> ExamineHost(const HostCapabilities& host) { return Examination(host).Run(); }

}  // namespace correlate
