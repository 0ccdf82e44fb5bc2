#include "collector/kernel_btf.h"

#include <optional>

#include "gtest/gtest.h"

namespace correlate {
namespace {

class KernelBtfTest : public testing::Test {
 protected:
  KernelBtfTest() : types_(btf__new_empty()) {
    int_ = btf__add_int(types_.get(), "int", 4, BTF_INT_SIGNED);
    // struct packet { int next; struct { int hash; union { int dev; int scratch; }; }; int length;
    // };
    const int choice = btf__add_union(types_.get(), nullptr, 4);
    btf__add_field(types_.get(), "dev", int_, 0, 0);
    btf__add_field(types_.get(), "scratch", int_, 0, 0);
    const int inner = btf__add_struct(types_.get(), nullptr, 8);
    btf__add_field(types_.get(), "hash", int_, 0, 0);
    btf__add_field(types_.get(), nullptr, choice, 32, 0);
    btf__add_struct(types_.get(), "packet", 16);
    btf__add_field(types_.get(), "next", int_, 0, 0);
    btf__add_field(types_.get(), nullptr, inner, 32, 0);
    btf__add_field(types_.get(), "length", int_, 96, 0);
    const int variable = btf__add_var(types_.get(), "counter", BTF_VAR_GLOBAL_ALLOCATED, int_);
    btf__add_datasec(types_.get(), ".data..percpu", 64);
    btf__add_datasec_var_info(types_.get(), variable, 48, 4);
  }

  ScopedBtf types_;
  int int_ = 0;
};

TEST_F(KernelBtfTest, MembersOfAnonymousStructuresCountFromTheOutermost) {
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "next"), 0u);
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "hash"), 4u);
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "dev"), 8u);
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "scratch"), 8u);
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "length"), 12u);
}

TEST_F(KernelBtfTest, WhatIsNotThereHasNoOffset) {
  EXPECT_EQ(MemberOffset(types_.get(), "packet", "mark"), std::nullopt);
  EXPECT_EQ(MemberOffset(types_.get(), "frame", "next"), std::nullopt);
  EXPECT_EQ(PerCpuOffset(types_.get(), "other"), std::nullopt);
}

TEST_F(KernelBtfTest, PerCpuVariables) { EXPECT_EQ(PerCpuOffset(types_.get(), "counter"), 48u); }

}  // namespace
}  // namespace correlate
