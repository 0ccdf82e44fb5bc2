#include "export/protobuf_tables.h"

#include <google/protobuf/util/delimited_message_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "export/rows.pb.h"

namespace correlate {
namespace {

template <typename Row>
Row FirstRow(const std::string& bytes) {
  std::istringstream in(bytes);
  google::protobuf::io::IstreamInputStream stream(&in);
  Row row;
  bool at_end = false;
  EXPECT_TRUE(google::protobuf::util::ParseDelimitedFromZeroCopyStream(&row, &stream, &at_end));
  return row;
}

// Readers in other languages refuse a message whose strings are not UTF-8.
TEST(ProtobufTables, WhatIsNoUtf8IsReplaced) {
  std::ostringstream programs;
  auto table = MakeProtobufTable({.columns = {}, .table = "programs"}, programs);
  ProgramInfo program;
  program.id = 7;
  program.type_name = "x\xff";
  program.name = "\xff";
  table->OnProgram(program);
  table->Finish();
  EXPECT_EQ(FirstRow<rows::Program>(programs.str()).type(), "x\xef\xbf\xbd");
  EXPECT_EQ(FirstRow<rows::Program>(programs.str()).name(), "\xef\xbf\xbd");

  std::ostringstream kinds;
  table = MakeProtobufTable({.columns = {}, .table = "kinds"}, kinds);
  EventFormat format;
  format.system = "s";
  format.name = "n\xff";
  KindCount count;
  count.time_ns = 1;
  count.format = &format;
  count.count.counted = 3;
  table->OnKindCount(count);
  table->Finish();
  EXPECT_EQ(FirstRow<rows::Kind>(kinds.str()).event(), "s:n\xef\xbf\xbd");
}

}  // namespace
}  // namespace correlate
