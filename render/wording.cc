#include "render/wording.h"

#include "absl/strings/str_cat.h"
#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {

std::string DescribeNetns(const Attachment& attachment) {
  return absl::StrCat("netns ", attachment.netns_name.empty() ? absl::StrCat(attachment.netns.inode)
                                                              : Printable(attachment.netns_name));
}

namespace {

// "cgroup inet_egress", "tc ingress pref 10 handle 0x1", "xdp native"
std::string DescribeHook(const Attachment& attachment) {
  std::string text = Printable(attachment.hook);
  if (attachment.hook == "cgroup") {
    return absl::StrCat(text, " ", Printable(attachment.attach_type));
  }
  if (attachment.hook == "netfilter") {
    return absl::StrCat(text, " ", Printable(attachment.family), " ", Printable(attachment.point),
                        " priority ", attachment.priority);
  }
  if (!attachment.direction.empty()) {
    absl::StrAppend(&text, attachment.hook == "tc" ? " " : "/", Printable(attachment.direction));
  }
  if (!attachment.mode.empty()) absl::StrAppend(&text, " ", Printable(attachment.mode));
  if (attachment.hook == "tc" && attachment.pref != 0) {
    if (attachment.chain != 0) absl::StrAppend(&text, " chain ", attachment.chain);
    absl::StrAppend(&text, " pref ", attachment.pref);
    if (attachment.handle != 0) absl::StrAppend(&text, " handle ", HexString(attachment.handle));
  }
  return text;
}

// "on veth1 (netns blue)", "of /system.slice"; the recorder's own namespace goes without saying.
std::string DescribePlace(const Attachment& attachment) {
  if (attachment.hook == "cgroup") {
    return absl::StrCat("of ", attachment.cgroup.empty()
                                   ? absl::StrCat("cgroup ", attachment.cgroup_id)
                                   : Printable(attachment.cgroup));
  }
  const bool named = !attachment.own_netns || !attachment.netns_name.empty();
  if (attachment.ifindex == 0 && attachment.ifname.empty()) {
    return absl::StrCat("in ", named ? DescribeNetns(attachment) : "this network namespace");
  }
  return absl::StrCat("on ",
                      attachment.ifname.empty() ? absl::StrCat("ifindex ", attachment.ifindex)
                                                : Printable(attachment.ifname),
                      named ? absl::StrCat(" (", DescribeNetns(attachment), ")") : "");
}

}  // namespace

std::string DescribeAttachment(const Attachment& attachment) {
  std::string text;
  if (attachment.IsObstacle() && !attachment.kind.empty()) {
    absl::StrAppend(&text, Printable(attachment.kind));
    if (attachment.pref == 0 && attachment.block != 0)
      absl::StrAppend(&text, " ", attachment.block);
    text += " at ";
  }
  absl::StrAppend(&text, DescribeHook(attachment));
  if (attachment.positions > 1 || (attachment.dispatcher_id != 0 && attachment.positions > 0)) {
    absl::StrAppend(&text, " #", attachment.position, " of ", attachment.positions);
  }
  if (attachment.dispatcher_id != 0) {
    absl::StrAppend(&text, " behind dispatcher ", attachment.dispatcher_id);
  }
  absl::StrAppend(&text, " ", DescribePlace(attachment));
  if (attachment.link_id != 0) absl::StrAppend(&text, ", link ", attachment.link_id);
  return text;
}

std::string DescribeSource(const BlamedProgram& program) {
  if (program.file.empty()) return Printable(program.function);
  const size_t slash = program.file.rfind('/');
  return absl::StrCat(Printable(program.file.substr(slash == std::string::npos ? 0 : slash + 1)),
                      ":", program.line);
}

std::string DescribeAttribution(const Attribution& attribution) {
  std::string text(EvidenceName(attribution.evidence));
  absl::StrAppend(&text, ":");
  for (const BlamedProgram& program : attribution.programs) {
    absl::StrAppend(&text, " program ", program.id);
    if (!program.name.empty()) absl::StrAppend(&text, " ", Printable(program.name));
    const std::string source = DescribeSource(program);
    if (!source.empty() && source != Printable(program.name)) {
      absl::StrAppend(&text, " at ", source);
    }
    for (const Attachment& attachment : program.attachments) {
      absl::StrAppend(&text, ", ", DescribeAttachment(attachment));
    }
    text += ";";
  }
  if (!attribution.verdict.empty())
    absl::StrAppend(&text, " ", Printable(attribution.verdict), ";");
  return absl::StrCat(text, " ", Printable(attribution.why));
}

}  // namespace correlate
