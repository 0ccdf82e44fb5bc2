#include "collector/xdp_links.h"

#include <gtest/gtest.h>

namespace correlate {
namespace {

Attachment Xdp(uint64_t netns, uint32_t ifindex, uint32_t program_id) {
  Attachment attachment;
  attachment.hook = "xdp";
  attachment.netns.inode = netns;
  attachment.ifindex = ifindex;
  attachment.program_id = program_id;
  return attachment;
}

TEST(NameXdpLinksTest, NamesOnlyWithoutDoubt) {
  std::vector<Attachment> attachments = {
      Xdp(1, 2, 100),  // 0: one link fits
      Xdp(1, 3, 101),  // 1: two namespaces have an interface 3 with that program,
      Xdp(2, 3, 101),  // 2: and only one of them a link
      Xdp(1, 4, 102),  // 3: two links
      Xdp(1, 5, 103),  // 4: none
  };
  attachments.push_back(Xdp(1, 2, 100));  // 5: not XDP
  attachments.back().hook = "tc";
  NameXdpLinks({{.link_id = 50, .program_id = 100, .ifindex = 2},
                {.link_id = 51, .program_id = 101, .ifindex = 3},
                {.link_id = 52, .program_id = 102, .ifindex = 4},
                {.link_id = 53, .program_id = 102, .ifindex = 4},
                {.link_id = 54, .program_id = 103, .ifindex = 6}},
               attachments);
  EXPECT_EQ(attachments[0].link_id, 50);
  for (size_t i = 1; i < attachments.size(); ++i) EXPECT_EQ(attachments[i].link_id, 0) << i;
}

}  // namespace
}  // namespace correlate
