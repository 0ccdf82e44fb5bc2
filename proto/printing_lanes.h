// Prints a trace on several threads. Each lane has a printer of its own: all of them are told the
// tables of every chunk, in order, and the rest of a chunk only one of them, so that what it prints
// of a chunk is what a single printer would have. Pieces come out in the order of chunks; as many
// wait as there are lanes.
#ifndef PROTO_PRINTING_LANES_H_
#define PROTO_PRINTING_LANES_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "proto/chunk_decoding.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class PrintingLanes {
 public:
  using MakePrinter = std::function<std::unique_ptr<TraceSink>(std::ostream& out)>;
  PrintingLanes(size_t lanes, const MakePrinter& make, const Reopen& reopen, std::ostream* out);
  ~PrintingLanes();
  // No thread was to be had; nothing may be taken then.
  bool empty() const { return lanes_.empty(); }

  // The next chunk. Waits where too many are under way, and prints what is done.
  void Take(std::shared_ptr<const ParsedChunk> chunk);
  // Prints the rest.
  void Finish();
  // As any lane saw the trace; after Finish.
  const ChunkDecoding& decoding() const;

 private:
  struct Piece {
    std::shared_ptr<const ParsedChunk> chunk;
    std::string text;
    bool done = false;
  };
  struct Lane;
  void Run(Lane& lane);
  void PrintFirst();

  std::ostream* const out_;
  std::mutex mutex_;  // of `done` of pieces and of the lanes' queues
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::deque<std::shared_ptr<Piece>> under_way_;  // in order
  size_t next_lane_ = 0;
  bool stop_ = false;
};

}  // namespace correlate

#endif  // PROTO_PRINTING_LANES_H_
