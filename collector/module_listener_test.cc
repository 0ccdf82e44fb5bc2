#include "collector/module_listener.h"

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(ModuleListenerTest, KnowsAModuleFromADevice) {
  EXPECT_TRUE(IsModuleUevent(absl::string_view("add@/module/veth\0ACTION=add\0", 27)));
  EXPECT_TRUE(IsModuleUevent("remove@/module/cls_bpf"));
  EXPECT_FALSE(IsModuleUevent("add@/devices/virtual/net/veth0"));
  EXPECT_FALSE(IsModuleUevent("change@/module/veth"));
  EXPECT_FALSE(IsModuleUevent(""));
}

TEST(ModuleListenerTest, SaysNothingOfAQuietHost) {
  auto listener = ModuleListener::Open();
  if (!listener.ok()) GTEST_SKIP() << listener.status();
  listener->Read();  // what may have come just now
  EXPECT_FALSE(listener->Read());
}

}  // namespace
}  // namespace correlate
