#include "symbolize/exit_verdict.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace correlate {
namespace {

using Hook = HookWalk::Hook;
using Names = absl::Span<const std::pair<int32_t, absl::string_view>>;

constexpr std::pair<int32_t, absl::string_view> kTc[] = {{TC_ACT_UNSPEC, "TC_ACT_UNSPEC"},
                                                         {TC_ACT_OK, "TC_ACT_OK"},
                                                         {TC_ACT_RECLASSIFY, "TC_ACT_RECLASSIFY"},
                                                         {TC_ACT_SHOT, "TC_ACT_SHOT"},
                                                         {TC_ACT_PIPE, "TC_ACT_PIPE"},
                                                         {TC_ACT_STOLEN, "TC_ACT_STOLEN"},
                                                         {TC_ACT_QUEUED, "TC_ACT_QUEUED"},
                                                         {TC_ACT_REPEAT, "TC_ACT_REPEAT"},
                                                         {TC_ACT_REDIRECT, "TC_ACT_REDIRECT"},
                                                         {TC_ACT_TRAP, "TC_ACT_TRAP"}};
constexpr std::pair<int32_t, absl::string_view> kXdp[] = {{XDP_ABORTED, "XDP_ABORTED"},
                                                          {XDP_DROP, "XDP_DROP"},
                                                          {XDP_PASS, "XDP_PASS"},
                                                          {XDP_TX, "XDP_TX"},
                                                          {XDP_REDIRECT, "XDP_REDIRECT"}};
// enum netkit_action (include/uapi/linux/if_link.h, since 6.7)
constexpr int32_t kNetkitNext = -1;
constexpr int32_t kNetkitPass = 0;
constexpr std::pair<int32_t, absl::string_view> kNetkit[] = {{kNetkitNext, "NETKIT_NEXT"},
                                                             {kNetkitPass, "NETKIT_PASS"},
                                                             {2, "NETKIT_DROP"},
                                                             {7, "NETKIT_REDIRECT"}};

constexpr int32_t kNfDrop = 0;  // include/uapi/linux/netfilter.h

std::string NameOf(Names names, absl::string_view family, int32_t verdict) {
  for (const auto& [value, name] : names) {
    if (value == verdict) return std::string(name);
  }
  return absl::StrCat(family, " action ", verdict);
}

bool Frees(Hook hook, int32_t verdict, bool refused) {
  switch (hook) {
    case Hook::kTcIngress:
    case Hook::kTcEgress:
      return verdict == (refused ? TC_ACT_SHOT : TC_ACT_REDIRECT);
    case Hook::kXdpNative:
    case Hook::kXdpGeneric:
      return verdict != XDP_PASS;  // XDP_TX and XDP_REDIRECT where they fail
    case Hook::kNetkit:
      return verdict != kNetkitNext && verdict != kNetkitPass;
    case Hook::kCgroupEgress:
    case Hook::kSocket:
      return (verdict & 1) == SK_DROP;
    case Hook::kNetfilter:
      return verdict == kNfDrop;
    case Hook::kTap:
    case Hook::kNone:
      return false;
  }
  return false;
}

}  // namespace

std::string VerdictName(Hook hook, int32_t verdict) {
  switch (hook) {
    case Hook::kXdpNative:
    case Hook::kXdpGeneric:
      return NameOf(kXdp, "XDP", verdict);
    case Hook::kNetkit:
      return NameOf(kNetkit, "netkit", verdict);
    case Hook::kCgroupEgress:
    case Hook::kSocket:
      return (verdict & 1) == SK_DROP ? "SK_DROP" : "SK_PASS";
    case Hook::kNetfilter:
      return verdict == kNfDrop ? "NF_DROP" : absl::StrCat("netfilter action ", verdict);
    default:
      return NameOf(kTc, "TC", verdict);
  }
}

std::optional<std::string> DroppingVerdict(Hook hook, int32_t verdict, bool refused) {
  if (!Frees(hook, verdict, refused)) return std::nullopt;
  return VerdictName(hook, verdict);
}

}  // namespace correlate
