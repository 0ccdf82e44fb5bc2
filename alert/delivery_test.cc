// Webhooks and Alertmanagers with servers that fail, in virtual time.
#include <string>
#include <utility>
#include <vector>

#include "alert/alertmanager_actions.h"
#include "alert/webhook_actions.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
const HttpTarget kTarget = {.url = "http://a/", .timeout_ns = kSecondNs};

// Keeps what was posted; the test answers.
class FakeClient : public HttpClient {
 public:
  uint64_t Post(const HttpTarget& target, std::string body) override {
    posted.emplace_back(target.url, std::move(body));
    return ++last;
  }
  std::vector<HttpAnswer> Take() override { return {}; }

  std::vector<std::pair<std::string, std::string>> posted;
  uint64_t last = 0;
};

class WebhookTest : public testing::Test {
 protected:
  void Answer(int status) { EXPECT_TRUE(hooks_.OnAnswer({client_.last, status, "what"}, now_ns_)); }
  void Tick(uint64_t seconds = 0) {
    now_ns_ += seconds * kSecondNs;
    hooks_.Tick(now_ns_, client_);
  }
  WebhookActions hooks_;
  FakeClient client_;
  uint64_t now_ns_ = 1000 * kSecondNs;
};

TEST_F(WebhookTest, OneAfterTheOther) {
  hooks_.Post(kTarget, "1");
  hooks_.Post(kTarget, "2");
  Tick();
  Tick();
  ASSERT_EQ(client_.posted.size(), 1);
  Answer(200);
  Tick();
  ASSERT_EQ(client_.posted.size(), 2);
  EXPECT_EQ(client_.posted[1].second, "2");
  Answer(204);
  EXPECT_TRUE(hooks_.idle());
  EXPECT_EQ(hooks_.counts().delivered, 2);
  EXPECT_FALSE(hooks_.OnAnswer({99, 200, ""}, now_ns_)) << "not ours";
}

TEST_F(WebhookTest, TriesAgainLaterAndLater) {
  hooks_.Post(kTarget, "1");
  std::vector<uint64_t> waits;
  Tick();
  for (int i = 0; i < 9; ++i) {
    Answer(i % 2 == 0 ? 500 : 0);
    const size_t before = client_.posted.size();
    uint64_t waited = 0;
    while (client_.posted.size() == before) {
      Tick(1);
      ++waited;
    }
    waits.push_back(waited);
  }
  EXPECT_EQ(waits, (std::vector<uint64_t>{1, 2, 4, 8, 16, 32, 60, 60, 60}));
  Answer(200);
  EXPECT_TRUE(hooks_.idle());
  EXPECT_EQ(hooks_.waiting(), 0);
  // Said when it begins and when it is over, not each time.
  EXPECT_EQ(hooks_.TakeProblems().size(), 2);
}

TEST_F(WebhookTest, WhatIsRefusedIsNotTriedAgain) {
  hooks_.Post(kTarget, "1");
  Tick();
  Answer(400);
  Tick(1000);
  EXPECT_EQ(client_.posted.size(), 1);
  EXPECT_EQ(hooks_.counts().refused, 1);
  EXPECT_EQ(hooks_.TakeProblems().size(), 1);
  hooks_.Post(kTarget, "2");
  Tick();
  Answer(429);
  Tick(1);
  EXPECT_EQ(client_.posted.size(), 3);
}

TEST_F(WebhookTest, TheOldestGoWhenTooManyWait) {
  for (size_t i = 0; i < WebhookActions::kMostWaiting + 10; ++i) {
    hooks_.Post(kTarget, std::to_string(i));
    if (i == 0) Tick();
  }
  EXPECT_EQ(hooks_.waiting(), WebhookActions::kMostWaiting);
  EXPECT_EQ(hooks_.counts().dropped, 10);
  Answer(200);
  Tick();
  EXPECT_EQ(client_.posted[1].second, "11") << "0 was on its way, 1 to 10 were too many";
}

TEST_F(WebhookTest, ATargetThatIsDownHindersNoOther) {
  const HttpTarget other = {.url = "http://b/", .timeout_ns = kSecondNs};
  hooks_.Post(kTarget, "1");
  hooks_.Post(other, "2");
  Tick();
  EXPECT_EQ(client_.posted.size(), 2);
}

class AlertmanagerTest : public testing::Test {
 protected:
  void Tell(const std::string& name, bool firing) {
    manager_.Tell(kTarget, 60 * kSecondNs, name, {{"labels", {{"alertname", name}}}}, firing,
                  now_ns_);
  }
  void Tick(uint64_t seconds = 0) {
    now_ns_ += seconds * kSecondNs;
    manager_.Tick(now_ns_, now_ns_, client_);
  }
  void Answer(int status) {
    EXPECT_TRUE(manager_.OnAnswer({client_.last, status, "what"}, now_ns_));
  }
  // Names of the alerts of the last request, with "+" where they last.
  std::string Last() const {
    std::string names;
    for (const Json& alert : Json::parse(client_.posted.back().second)) {
      names += alert["labels"]["alertname"].get<std::string>();
      if (alert.contains("endsAt")) names += "+";
    }
    return names;
  }
  AlertmanagerActions manager_;
  FakeClient client_;
  uint64_t now_ns_ = 1000 * kSecondNs;
};

TEST_F(AlertmanagerTest, ToldAgainWhileItLastsAndOnceWhenItIsOver) {
  Tell("a", true);
  Tick();
  EXPECT_EQ(Last(), "a+");
  EXPECT_NE(client_.posted.back().second.find("\"endsAt\":\"1970-01-01T00:20:40"),
            std::string::npos)
      << "four minutes later: " << client_.posted.back().second;
  Answer(200);
  Tick(59);
  EXPECT_EQ(client_.posted.size(), 1);
  Tick(1);
  EXPECT_EQ(client_.posted.size(), 2);
  Answer(200);
  Tell("a", false);
  Tick();
  EXPECT_EQ(Last(), "a");
  Answer(200);
  Tick(600);
  EXPECT_EQ(client_.posted.size(), 3);
  EXPECT_TRUE(manager_.idle());
}

TEST_F(AlertmanagerTest, WhatHappensMeanwhileIsToldAfterwards) {
  Tell("a", true);
  Tick();
  Tell("a", false);
  Tell("b", true);
  Answer(200);
  Tick();
  EXPECT_EQ(Last(), "ab+");
}

TEST_F(AlertmanagerTest, NothingIsLostWhileItIsDown) {
  Tell("a", true);
  Tell("b", true);
  Tick();
  Answer(0);
  Tell("a", false);
  Tick();
  EXPECT_EQ(client_.posted.size(), 1) << "it waits";
  Tick(1);
  Answer(503);
  Tick(2);
  EXPECT_EQ(Last(), "ab+");
  Answer(200);
  EXPECT_EQ(manager_.waiting(), 0);
  EXPECT_EQ(manager_.TakeProblems().size(), 2);
}

TEST_F(AlertmanagerTest, OneThatIsRefusedHindersNoOther) {
  Tell("bad", true);
  Tick();
  Answer(400);
  EXPECT_EQ(manager_.waiting(), 1);
  Tell("good", true);
  Tick();
  EXPECT_EQ(Last(), "good+") << "the bad one has its turn in a minute";
  Answer(200);
  Tell("bad", false);
  Tick();
  Answer(400);
  for (int i = 0; i < 20; ++i) {
    Tick(60);
    Answer(Last() == "good+" ? 200 : 400);
  }
  Tick(60);
  EXPECT_EQ(Last(), "good+") << "after a quarter of an hour its end interests nobody";
}

TEST_F(AlertmanagerTest, ManyComeInSeveralRequests) {
  for (int i = 0; i < 100; ++i) Tell(std::to_string(i), true);
  Tick();
  EXPECT_EQ(Json::parse(client_.posted[0].second).size(), AlertmanagerActions::kMostInRequest);
  Tick();
  EXPECT_EQ(client_.posted.size(), 1) << "one at a time";
  Answer(200);
  Tick();
  EXPECT_EQ(Json::parse(client_.posted[1].second).size(),
            100 - AlertmanagerActions::kMostInRequest);
}

}  // namespace
}  // namespace correlate
