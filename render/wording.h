// The words for attachments, programs and verdicts, in the terms of tc(8), ip(8) and bpftool(8);
// the same in every command. All are Printable.
#ifndef RENDER_WORDING_H_
#define RENDER_WORDING_H_

#include <string>

#include "symbolize/correlated_event.h"

namespace correlate {

// "tc ingress pref 49152 handle 0x1 on veth1 (netns blue)", "xdp native on eth0",
// "tcx/ingress #2 of 2 on eth0, link 57", "u32 at tc ingress pref 1 on eth0"
std::string DescribeAttachment(const Attachment& attachment);
// "netns blue", or "netns 4026532213" where it has no name
std::string DescribeNetns(const Attachment& attachment);
// "tcdrop.c:14", "tc_drop() tcdrop.c:14", ""
std::string DescribeSource(const BlamedProgram& program);
// "stack: program 100 tc_drop at tcdrop.c:14 (freed inside the program's own call)"
std::string DescribeAttribution(const Attribution& attribution);

}  // namespace correlate

#endif  // RENDER_WORDING_H_
