#include "symbolize/task_names.h"

namespace correlate {
namespace {

constexpr uint64_t kKeepNs = 1'000'000'000;

}  // namespace

void TaskNames::Add(int32_t tid, std::string comm) { names_[tid] = {std::move(comm), 0}; }

void TaskNames::OnTask(const TaskRecord& record) {
  Forget(record.time_ns);
  switch (record.kind) {
    case TaskRecord::Kind::kComm:
      names_[record.tid] = {record.comm, 0};
      return;
    case TaskRecord::Kind::kFork: {
      const auto parent = names_.find(record.parent_tid);
      if (parent == names_.end()) return;
      Task child = {parent->second.comm, 0};
      names_[record.tid] = std::move(child);
      return;
    }
    case TaskRecord::Kind::kExit: {
      const auto task = names_.find(record.tid);
      if (task == names_.end()) return;
      task->second.exit_ns = record.time_ns;
      exits_.emplace_back(record.time_ns, record.tid);
      return;
    }
  }
}

void TaskNames::Forget(uint64_t now_ns) {
  while (!exits_.empty() && exits_.front().first + kKeepNs < now_ns) {
    const auto [exit_ns, tid] = exits_.front();
    exits_.pop_front();
    const auto task = names_.find(tid);
    // The number may belong to a new task by now.
    if (task != names_.end() && task->second.exit_ns == exit_ns) names_.erase(task);
  }
}

absl::string_view TaskNames::Find(int32_t tid) const {
  if (tid == 0) return "swapper";
  const auto task = names_.find(tid);
  return task == names_.end() ? absl::string_view() : absl::string_view(task->second.comm);
}

}  // namespace correlate
