#include "cli/wording.h"

#include "absl/strings/str_cat.h"
#include "cli/event_fields.h"
#include "cli/text.h"

namespace correlate {

std::string DescribeNetns(const Attachment& attachment) {
  return attachment.netns_name.empty() ? absl::StrCat("netns ", attachment.netns.inode)
                                       : Printable(attachment.netns_name);
}

std::string DescribeAttachment(const Attachment& attachment) {
  std::string text = Printable(attachment.hook);
  if (!attachment.direction.empty()) {
    absl::StrAppend(&text, attachment.hook == "tc" ? " " : "/", Printable(attachment.direction));
  }
  if (!attachment.mode.empty()) absl::StrAppend(&text, " ", Printable(attachment.mode));
  if (attachment.hook == "tc") {
    if (attachment.chain != 0) absl::StrAppend(&text, " chain ", attachment.chain);
    absl::StrAppend(&text, " pref ", attachment.pref, " handle ", HexString(attachment.handle));
  }
  absl::StrAppend(&text, " on ",
                  attachment.ifname.empty() ? absl::StrCat("ifindex ", attachment.ifindex)
                                            : Printable(attachment.ifname),
                  " (", DescribeNetns(attachment), ")");
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
