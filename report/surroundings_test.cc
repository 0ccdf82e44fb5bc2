#include "report/surroundings.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace correlate {
namespace {

constexpr uint64_t kMs = 1'000'000;

class SurroundingsTest : public testing::Test {
 protected:
  SurroundingsTest() {
    drop_.id = 1;
    drop_.system = "skb";
    drop_.name = "kfree_skb";
    change_.id = 2;
    change_.system = "bpf";
    change_.name = "bpf_map_update_elem";
    blame_.id = 7;
    blame_.evidence = Evidence::kStack;
    blame_.programs.emplace_back();
    blame_.programs.front().name = "dropper";
    for (const EventFormat* format : {&drop_, &change_}) around_.OnFormat(*format);
  }
  void Drops(uint64_t at_ms, int times) {
    CorrelatedEvent event;
    event.format = &drop_;
    event.time_ns = at_ms * kMs;
    event.attribution = &blame_;
    for (int i = 0; i < times; ++i) around_.OnEvent(event);
  }
  void Change(uint64_t at_ms, int32_t pid) {
    CorrelatedEvent event;
    event.format = &change_;
    event.time_ns = at_ms * kMs;
    event.pid = pid;
    around_.OnEvent(event);
  }
  // Of each change: how many before and after.
  std::vector<std::pair<std::string, std::string>> Found() {
    around_.Finish();
    std::vector<std::pair<std::string, std::string>> found;
    const Json told = around_.ToJson();
    for (const Json& change : told["changes"]) {
      std::pair<std::string, std::string> numbers = {"0", "0"};
      for (const Json& drop : change["drops"]) numbers = {drop["before"], drop["after"]};
      found.push_back(numbers);
    }
    return found;
  }
  using Numbers = std::vector<std::pair<std::string, std::string>>;

  EventFormat drop_;
  EventFormat change_;
  Attribution blame_;
  Surroundings around_{"bpf:bpf_map_*", 500 * kMs};
};

TEST_F(SurroundingsTest, CountsWhatLiesInTheWindows) {
  Drops(10'000, 3);
  Drops(10'600, 5);
  Change(11'000, 1);
  Drops(11'100, 7);
  Drops(11'499, 1);
  Drops(11'500, 9);
  EXPECT_EQ(Found(), (Numbers{{"5", "8"}}));
}

TEST_F(SurroundingsTest, AStormBeforeALongGapIsNotInTheWindow) {
  Change(1'000, 1);
  Drops(1'001, 1000);
  Drops(1'002, 1000);
  Change(2'100, 2);
  EXPECT_EQ(Found(), (Numbers{{"0", "2000"}, {"0", "0"}}));
}

}  // namespace
}  // namespace correlate
