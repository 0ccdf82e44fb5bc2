#include "cli/doctor_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/doctor_checks.h"
#include "render/event_fields.h"

namespace correlate {
namespace {

using State = Check::State;
using testing::HasSubstr;

HostCapabilities GoodHost() {
  HostCapabilities host;
  host.kernel_release = "6.12.0";
  host.kernel_version = {6, 12};
  host.capabilities = CapabilitySet(UINT64_MAX);
  host.tracefs_mount_point = "/sys/kernel/tracing";
  host.perf_format_lost = true;
  host.drop_reasons = true;
  host.kernel_btf = true;
  host.perf_event_paranoid = 2;
  host.perf_event_max_stack = 127;
  host.perf_event_mlock_kb = 516;
  host.kptr_restrict = 0;
  host.unprivileged_bpf_disabled = 2;
  host.bpf_jit_enable = 1;
  host.bpf_jit_kallsyms = 1;
  host.memlock_limit_bytes = 8 << 20;
  return host;
}

Check Find(const HostCapabilities& host, const std::string& name) {
  for (const Check& check : ExamineHost(host)) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << "no check " << name;
  return {};
}

std::vector<std::string> Findings(const HostCapabilities& host) {
  std::vector<std::string> names;
  for (const Check& check : ExamineHost(host)) {
    if (check.IsFinding()) names.push_back(check.name);
  }
  return names;
}

TEST(DoctorChecksTest, NothingToSayOfAGoodHost) {
  EXPECT_THAT(Findings(GoodHost()), testing::IsEmpty());
  EXPECT_EQ(Find(GoodHost(), "tracefs").found, "mounted at /sys/kernel/tracing");
}

TEST(DoctorChecksTest, EveryFindingSaysWhatItCosts) {
  HostCapabilities host;  // nothing allowed, nothing readable
  host.tracefs = host.tracepoint = host.program_ids = host.enter_netns = host.tracing_program =
      host.raw_tracepoint_program = host.link_iterator = host.trampoline =
          absl::PermissionDeniedError("refused");
  host.kallsyms_hidden = true;
  host.kptr_restrict = 2;
  host.perf_event_paranoid = 3;
  host.perf_event_max_stack = 10;
  host.perf_event_mlock_kb = 516;
  host.bpf_jit_enable = 0;
  host.bpf_jit_kallsyms = 0;
  host.kernel_version = {5, 10};
  host.lockdown_confidentiality = true;
  const std::vector<Check> checks = ExamineHost(host);
  for (const Check& check : checks) {
    EXPECT_NE(check.found, "") << check.name;
    EXPECT_EQ(check.IsFinding(), !check.cost.empty()) << check.name;
    EXPECT_EQ(check.IsFinding(), !check.mend.empty()) << check.name;
  }
  EXPECT_EQ(std::count_if(checks.begin(), checks.end(),
                          [](const Check& check) { return check.state == State::kOk; }),
            0);
  EXPECT_EQ(Find(host, "kernel.unprivileged_bpf_disabled").state, State::kUnknown);
}

TEST(DoctorChecksTest, TracefsMountedNowhereIsFine) {
  HostCapabilities host = GoodHost();
  host.tracefs_mount_point = "";
  EXPECT_EQ(Find(host, "tracefs").state, State::kOk);
  EXPECT_THAT(Find(host, "tracefs").found, HasSubstr("private mount"));
}

TEST(DoctorChecksTest, RefusedTrampolines) {
  HostCapabilities host = GoodHost();
  host.trampoline = absl::PermissionDeniedError("fentry: Operation not permitted");
  EXPECT_THAT(Findings(host), testing::ElementsAre("trampolines (fentry, fexit)"));
  const Check check = Find(host, "trampolines (fentry, fexit)");
  EXPECT_EQ(check.state, State::kDegraded);
  EXPECT_EQ(check.found, "fentry: Operation not permitted");
  EXPECT_THAT(check.cost, HasSubstr("verdict"));
}

TEST(DoctorChecksTest, WhatOlderKernelsLack) {
  HostCapabilities host = GoodHost();
  host.drop_reasons = false;
  host.link_iterator = absl::FailedPreconditionError("this kernel has none");
  EXPECT_THAT(Findings(host), testing::ElementsAre("drop reasons", "links of BPF programs"));
  EXPECT_EQ(Find(host, "drop reasons").mend, "Linux 5.17 or later");
  EXPECT_EQ(Find(host, "links of BPF programs").found, "this kernel has none");
}

TEST(DoctorChecksTest, OurOwnObjects) {
  LoadTrial trial{.object = "links", .programs = 2, .instructions = 391};
  EXPECT_FALSE(LoadCheck(trial).IsFinding());
  EXPECT_EQ(LoadCheck(trial).name, "our BPF: links");
  EXPECT_EQ(LoadCheck(trial).found, "2 programs, 391 instructions verified");
  trial.instructions = 0;
  EXPECT_EQ(LoadCheck(trial).found, "2 programs");
  trial.status = absl::InvalidArgumentError("loading it: Invalid argument");
  EXPECT_TRUE(LoadCheck(trial).IsFinding());
  EXPECT_EQ(LoadCheck(trial).found, "loading it: Invalid argument");
}

TEST(DoctorChecksTest, KptrRestrict) {
  HostCapabilities host = GoodHost();
  host.kptr_restrict = 1;
  EXPECT_EQ(Find(host, "kernel.kptr_restrict").state, State::kOk);  // CAP_SYSLOG
  host.kptr_restrict = 2;
  host.kallsyms_hidden = true;
  EXPECT_EQ(Find(host, "kernel.kptr_restrict").state, State::kDegraded);
  EXPECT_EQ(Find(host, "kernel.kptr_restrict").mend, "sudo sysctl kernel.kptr_restrict=1");
  EXPECT_EQ(Find(host, "kallsyms").mend, "sudo sysctl kernel.kptr_restrict=1");
}

TEST(DoctorChecksTest, AKernelThatStillChargesMemlock) {
  HostCapabilities host = GoodHost();
  host.capabilities = CapabilitySet(UINT64_MAX & ~(uint64_t{1} << CAP_SYS_RESOURCE));
  EXPECT_EQ(Find(host, "RLIMIT_MEMLOCK").state, State::kOk);
  host.kernel_version = {5, 10};
  EXPECT_EQ(Find(host, "RLIMIT_MEMLOCK").state, State::kDegraded);
  EXPECT_EQ(Find(host, "RLIMIT_MEMLOCK").mend, "ulimit -l unlimited");
  host.memlock_limit_bytes = UINT64_MAX;
  EXPECT_EQ(Find(host, "RLIMIT_MEMLOCK").state, State::kOk);
}

TEST(DoctorChecksTest, PerfmonAloneSeesTracepoints) {
  HostCapabilities host = GoodHost();
  host.capabilities = CapabilitySet(uint64_t{1} << CAP_PERFMON);
  EXPECT_EQ(Find(host, "kernel.perf_event_paranoid").state, State::kOk);
  EXPECT_EQ(Find(host, "CAP_PERFMON").state, State::kOk);
  EXPECT_EQ(Find(host, "CAP_SYS_ADMIN").state, State::kMissing);
  host.capabilities = CapabilitySet(0);
  EXPECT_EQ(Find(host, "kernel.perf_event_paranoid").mend,
            "sudo sysctl kernel.perf_event_paranoid=-1");
}

TEST(DoctorCommandTest, WhatAttributionCostsIsNoFinding) {
  AttributionCost cost = {
      .programs = 2, .packet_ns = 2755, .auto_added_ns = -13, .verdict_added_ns = 1005};
  Check check = AttributionCheck(cost);
  EXPECT_FALSE(check.IsFinding());
  EXPECT_EQ(check.found,
            "auto -13 ns, verdict +1005 ns for a packet of 2755 ns that passes a device with 2 "
            "programs (by run counts: no trampolines here)");
  cost.follows_exits = true;
  EXPECT_EQ(AttributionCheck(cost).found,
            "auto -13 ns, verdict +1005 ns for a packet of 2755 ns that passes a device with 2 "
            "programs");
  check = AttributionCheck(absl::PermissionDeniedError("run as root"));
  EXPECT_EQ(check.state, State::kUnknown);
  EXPECT_FALSE(check.IsFinding());
  EXPECT_EQ(check.found, "its cost cannot be measured: run as root");
}

TEST(DoctorCommandTest, Text) {
  EXPECT_EQ(DoctorText({{"tracefs", State::kOk, "mounted", "", ""},
                        {"trampolines", State::kDegraded, "refused", "no verdict", "another"},
                        {"x", State::kUnknown, "not \x1b readable", "", ""}}),
            "ok        tracefs      mounted\n"
            "degraded  trampolines  refused\n"
            "                       costs: no verdict\n"
            "                       mend:  another\n"
            "unknown   x            not \\x1b readable\n");
}

TEST(DoctorCommandTest, JsonObject) {
  EXPECT_EQ(Json::parse(DoctorJson({{"tracefs", State::kOk, "mounted", "", ""},
                                    {"btf", State::kMissing, "\xff", "much", "this"}})),
            Json::parse(R"({"findings":1,"checks":[
              {"name":"tracefs","state":"ok","found":"mounted"},
              {"name":"btf","state":"missing","found":"\ufffd","cost":"much","mend":"this"}]})"));
}

}  // namespace
}  // namespace correlate
