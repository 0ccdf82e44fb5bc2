#include "collector/load_trials.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>

#include "collector/bpf_loading.h"

namespace correlate {
namespace {

TEST(LoadTrialsTest, EachObjectLoadsOrSaysWhyNot) {
  if (geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  std::set<std::string> objects;
  for (const LoadTrial& trial : TryLoads()) {
    EXPECT_TRUE(objects.insert(trial.object).second) << trial.object;
    if (trial.status.ok()) {
      EXPECT_GT(trial.programs, 0u) << trial.object;
      EXPECT_EQ(trial.log, "") << trial.object;
    } else {
      EXPECT_NE(trial.status.message(), "") << trial.object;
    }
  }
  EXPECT_GT(objects.size(), 6u);
}

TEST(LoadTrialsTest, WhatLibbpfSaysIsKept) {
  const LibbpfLog log;
  EXPECT_EQ(bpf_object__open_mem("no object", 9, nullptr), nullptr);
  EXPECT_NE(log.text(), "");
}

}  // namespace
}  // namespace correlate
