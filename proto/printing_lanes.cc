#include "proto/printing_lanes.h"

#include <sstream>
#include <system_error>
#include <utility>

namespace correlate {

struct PrintingLanes::Lane {
  Lane(const MakePrinter& make, const Reopen& reopen) : decoding(reopen), printer(make(text)) {}

  std::ostringstream text;
  ChunkDecoding decoding;
  std::unique_ptr<TraceSink> printer;
  struct Job {
    std::shared_ptr<Piece> piece;
    bool own = false;  // else only its tables
  };
  std::deque<Job> jobs;
  bool busy = false;  // with one that is not among them any more
  std::thread thread;
};

PrintingLanes::PrintingLanes(size_t lanes, const MakePrinter& make, const Reopen& reopen,
                             std::ostream* out)
    : out_(out) {
  for (size_t i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(make, reopen));
    Lane& lane = *lanes_.back();
    try {
      lane.thread = std::thread([this, &lane] { Run(lane); });
    } catch (const std::system_error&) {  // no more threads to be had
      lanes_.pop_back();
      return;
    }
  }
}

PrintingLanes::~PrintingLanes() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (const auto& lane : lanes_) lane->thread.join();
}

const ChunkDecoding& PrintingLanes::decoding() const { return lanes_.front()->decoding; }

void PrintingLanes::Run(Lane& lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !lane.jobs.empty(); });
    if (stop_) return;
    const Lane::Job job = std::move(lane.jobs.front());
    lane.jobs.pop_front();
    lane.busy = true;
    lock.unlock();
    if (job.own) {
      lane.decoding.Decode(*job.piece->chunk, *lane.printer);
      job.piece->text = std::move(lane.text).str();
      lane.text.str("");
    } else {
      lane.decoding.DecodeTables(*job.piece->chunk, *lane.printer);
    }
    lock.lock();
    lane.busy = false;
    job.piece->done |= job.own;
    changed_.notify_all();
  }
}

void PrintingLanes::PrintFirst() {
  const std::shared_ptr<Piece> piece = std::move(under_way_.front());
  under_way_.pop_front();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return piece->done; });
  }
  out_->write(piece->text.data(), static_cast<std::streamsize>(piece->text.size()));
}

void PrintingLanes::Take(std::shared_ptr<const ParsedChunk> chunk) {
  if (under_way_.size() > lanes_.size()) PrintFirst();
  auto piece = std::make_shared<Piece>();
  piece->chunk = std::move(chunk);
  under_way_.push_back(piece);
  const size_t own = next_lane_++ % lanes_.size();
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < lanes_.size(); ++i) lanes_[i]->jobs.push_back({piece, i == own});
  }
  changed_.notify_all();
}

void PrintingLanes::Finish() {
  while (!under_way_.empty()) PrintFirst();
  std::unique_lock lock(mutex_);
  const Lane& first = *lanes_.front();
  changed_.wait(lock, [&] { return first.jobs.empty() && !first.busy; });
}

}  // namespace correlate
