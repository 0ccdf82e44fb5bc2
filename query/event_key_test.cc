#include "query/event_key.h"

#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "query/event_view.h"
#include "render/json_event.h"
#include "tests/fakes/recording.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// All leaves of a JSON value by their path, elements of arrays under the same one.
void Leaves(const Json& json, const std::string& path,
            std::map<std::string, std::set<std::string>>* to) {
  if (json.is_array()) {
    for (const Json& element : json) Leaves(element, path, to);
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      Leaves(value, path.empty() ? key : path + "." + key, to);
    }
  } else {
    (*to)[path].insert(json.is_string() ? json.get<std::string>() : json.dump());
  }
}

class EachEvent : public EventView {
 public:
  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    ++events;
    JsonEventLines lines;
    std::map<std::string, std::set<std::string>> leaves;
    Leaves(Json::parse(lines.Line(event, clock())), "", &leaves);
    for (const auto& [path, texts] : leaves) {
      const auto key = ParseEventKey(path);
      ASSERT_TRUE(key.ok()) << path << " " << key.status();
      std::set<std::string> values;
      ASSERT_TRUE(Visit(*key, [&, &texts = texts](const EventValue& value) {
        std::string text;
        AppendValue(value, &text);
        // JSON shows what is no UTF-8 otherwise.
        if (texts.count(text) == 0 && text.find('\xff') != std::string::npos) text = *texts.begin();
        values.insert(text);
      }));
      EXPECT_EQ(values, texts) << path;
    }
  }
  int events = 0;
};

TEST(EventKey, EveryKeyOfTheJsonCanBeAskedFor) {
  EachEvent each;
  FeedTestRecording(each);
  EXPECT_EQ(each.events, 4);
}

TEST(EventKey, EveryShortNameIsOne) {
  for (const std::string& name : ShortEventKeys()) EXPECT_TRUE(ParseEventKey(name).ok()) << name;
  EXPECT_EQ(ParseEventKeys("reason, program")->size(), 2U);
  EXPECT_EQ(ParseEventKeys("")->size(), 0U);
}

TEST(EventKey, AnUnknownOneNamesThoseThatAreClose) {
  EXPECT_THAT(std::string(ParseEventKeys("reason,colour").status().message()),
              testing::AllOf(HasSubstr("'colour'"), HasSubstr("location")));
  EXPECT_THAT(std::string(ParseEventKey("packet.lenght").status().message()),
              HasSubstr("did you mean 'packet.length'?"));
  EXPECT_FALSE(ParseEventKey("attribution.programs.nme").ok());
  EXPECT_FALSE(ParseEventKey("fields.").ok());
}

class Labelled : public EventView {
 public:
  explicit Labelled(const std::string& keys) : labels_(*ParseEventKeys(keys)) {}
  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    for (const std::string& label : labels_.Of(*this)) all.push_back(label);
  }
  std::vector<std::string> all;

 private:
  EventLabels labels_;
};

TEST(EventLabels, SayUnknownAndNone) {
  Labelled programs("program");
  FeedTestRecording(programs);
  EXPECT_EQ(programs.all[0], "none");
  EXPECT_EQ(programs.all[2], "mirror #90");
  Labelled hooks("hook,cgroup");
  FeedTestRecording(hooks);
  EXPECT_EQ(hooks.all[7], "unknown");
  EXPECT_EQ(hooks.all[6], "xdp native");
}

}  // namespace
}  // namespace correlate
