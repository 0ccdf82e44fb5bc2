// Things that looks at the host see or do not see (attachments, devices, namespaces), each with the
// interval of time that follows from it: how collector/event.h says that times are meant. Pure. One
// thread.
//
// Of a Thing is wanted, beside from_ns, to_ns, absent_before_ns and absent_after_ns:
//   std::string PlaceOf(thing)           where it stands, perhaps beside others, in an order
//   bool SameThing(known, seen)          of two that stand at one place
//   bool Refresh(Thing& known, seen)     takes over what may change of one; true if something did
//   bool Counts(thing)                   whether ever() counts it
#ifndef SYMBOLIZE_SEEN_OVER_TIME_H_
#define SYMBOLIZE_SEEN_OVER_TIME_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

enum class Certainty { kNot, kPerhaps, kCertain };

// Whether it was there at a moment, as far as looks tell.
template <typename Thing>
Certainty HeldAt(const Thing& thing, uint64_t time_ns) {
  if (time_ns >= thing.from_ns && time_ns <= thing.to_ns) return Certainty::kCertain;
  if (time_ns <= thing.absent_before_ns) return Certainty::kNot;
  if (thing.absent_after_ns != 0 && time_ns >= thing.absent_after_ns) return Certainty::kNot;
  return Certainty::kPerhaps;
}

// What a look saw all of.
using LookScope = std::pair<AttachmentLook::Part, NetnsId>;

template <typename Thing>
class SeenOverTime {
 public:
  struct Entry {
    Thing thing;
    bool current = true;        // the last look saw it, or nobody has looked since
    bool out_of_sight = false;  // nobody can look any more
    LookScope scope;
    uint32_t times_to_forget = 0;  // how often it stands in to_forget_
    uint64_t look = 0;  // number of the last look that saw it; 0: none, its order is unknown
  };
  using Place = std::vector<std::unique_ptr<Entry>>;

  // One look; what is new, different or gone is appended to `changed`. absent_before_ns: begin of
  // the look before at this scope, 0 if there was none.
  void Look(const LookScope& scope, const AttachmentLook& look, absl::Span<const Thing> seen,
            uint64_t absent_before_ns, std::vector<Thing>* changed);
  // Word of one thing. It is taken over only where it is news.
  void Added(const LookScope& scope, const Thing& thing, uint64_t time_ns,
             uint64_t absent_before_ns, std::vector<Thing>* changed);
  void Removed(const Thing& thing, uint64_t time_ns, std::vector<Thing>* changed);
  // All of a scope is gone (absent_after_ns), or out of sight (0) until a look sees it again.
  void Lose(const LookScope& scope, uint64_t absent_after_ns, std::vector<Thing>* changed);

  // In the order in which they stand; those that are gone too, until they are forgotten.
  const Place* At(const std::string& place) const {
    const auto found = places_.find(place);
    return found == places_.end() ? nullptr : &found->second;
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [name, place] : places_) {
      for (const auto& entry : place) visit(*entry);
    }
  }
  size_t ever() const { return ever_; }

 private:
  // Events are judged some 100 ms after they happened; this is far longer.
  static constexpr uint64_t kRememberNs = 60'000'000'000;

  Entry* FindCurrent(Place& place, const Thing& thing);
  static void MoveBehind(Place& place, const Entry* predecessor, const Entry* entry);
  Entry* Insert(Place& place, const Entry* after, const LookScope& scope, Thing thing);
  void End(Entry& entry, uint64_t absent_after_ns, std::vector<Thing>* changed);
  void Remember(Entry& entry, uint64_t since_ns);
  void Forget(uint64_t now_ns);
  // When the same thing was last known to be absent before it came back.
  static uint64_t LastAbsence(const Place& place, const Thing& thing, uint64_t absent_before_ns);

  absl::node_hash_map<std::string, Place> places_;  // stay where they are
  std::map<LookScope, std::vector<Entry*>> current_;
  // What ended or went out of sight, and when, in order.
  std::deque<std::pair<uint64_t, Entry*>> to_forget_;
  uint64_t looks_ = 0;
  size_t ever_ = 0;
};

template <typename Thing>
auto SeenOverTime<Thing>::FindCurrent(Place& place, const Thing& thing) -> Entry* {
  for (const auto& entry : place) {
    if (entry->current && SameThing(entry->thing, thing)) return entry.get();
  }
  return nullptr;
}

// Things that stand at one place at the same time never change their order among themselves, so the
// order of all that ever stood there follows from each one's predecessor.
template <typename Thing>
void SeenOverTime<Thing>::MoveBehind(Place& place, const Entry* predecessor, const Entry* entry) {
  const auto find = [&](const Entry* wanted) {
    return std::find_if(place.begin(), place.end(),
                        [&](const auto& other) { return other.get() == wanted; });
  };
  const auto from = find(entry);
  const auto to = predecessor == nullptr ? place.begin() : find(predecessor) + 1;
  if (from < to) {
    std::rotate(from, from + 1, to);
  } else {
    std::rotate(to, from, from + 1);
  }
}

template <typename Thing>
auto SeenOverTime<Thing>::Insert(Place& place, const Entry* after, const LookScope& scope,
                                 Thing thing) -> Entry* {
  auto entry = std::make_unique<Entry>();
  entry->thing = std::move(thing);
  entry->scope = scope;
  Entry* inserted = entry.get();
  place.push_back(std::move(entry));
  MoveBehind(place, after, inserted);
  current_[scope].push_back(inserted);
  if (Counts(inserted->thing)) ++ever_;
  return inserted;
}

template <typename Thing>
void SeenOverTime<Thing>::End(Entry& entry, uint64_t absent_after_ns, std::vector<Thing>* changed) {
  entry.current = false;
  entry.thing.absent_after_ns = absent_after_ns;
  Remember(entry, std::max(absent_after_ns, entry.thing.to_ns));
  changed->push_back(entry.thing);
}

template <typename Thing>
uint64_t SeenOverTime<Thing>::LastAbsence(const Place& place, const Thing& thing,
                                          uint64_t absent_before_ns) {
  uint64_t last = absent_before_ns;
  for (const auto& entry : place) {
    if (!entry->current && SameThing(entry->thing, thing)) {
      last = std::max(last, entry->thing.absent_after_ns);
    }
  }
  return last;
}

template <typename Thing>
void SeenOverTime<Thing>::Look(const LookScope& scope, const AttachmentLook& look,
                               absl::Span<const Thing> seen, uint64_t absent_before_ns,
                               std::vector<Thing>* changed) {
  Forget(look.begin_ns);
  ++looks_;
  const auto saw = [&](Entry& entry) {
    entry.thing.to_ns = std::max(entry.thing.to_ns, look.begin_ns);
    entry.look = looks_;
    entry.out_of_sight = false;
  };
  if (look.unchanged) {
    for (Entry* entry : current_[scope]) saw(*entry);
    return;
  }
  std::map<const Place*, const Entry*> predecessors;
  for (const Thing& thing : seen) {
    Place& place = places_[PlaceOf(thing)];
    const Entry*& predecessor = predecessors[&place];
    Entry* entry = FindCurrent(place, thing);
    if (entry == nullptr) {
      Thing first = thing;
      first.from_ns = first.to_ns = look.end_ns;
      first.absent_before_ns = LastAbsence(place, thing, absent_before_ns);
      first.absent_after_ns = 0;
      entry = Insert(place, predecessor, scope, std::move(first));
      entry->look = looks_;
      changed->push_back(entry->thing);
    } else {
      if (entry->look == 0) MoveBehind(place, predecessor, entry);
      saw(*entry);
      if (entry->scope != scope) {  // what only its link told is now seen where it is
        std::erase(current_[entry->scope], entry);
        entry->scope = scope;
        current_[scope].push_back(entry);
      }
      if (Refresh(entry->thing, thing)) changed->push_back(entry->thing);
    }
    predecessor = entry;
  }
  if (!look.complete) return;
  std::erase_if(current_[scope], [&](Entry* entry) {
    if (entry->look == looks_) return false;
    End(*entry, look.end_ns, changed);
    return true;
  });
}

template <typename Thing>
void SeenOverTime<Thing>::Added(const LookScope& scope, const Thing& thing, uint64_t time_ns,
                                uint64_t absent_before_ns, std::vector<Thing>* changed) {
  Place& place = places_[PlaceOf(thing)];
  if (FindCurrent(place, thing) != nullptr) return;
  Thing first = thing;
  first.from_ns = first.to_ns = time_ns;
  first.absent_before_ns = LastAbsence(place, thing, absent_before_ns);
  // Where it stands among the others the next look tells.
  const Entry* last = place.empty() ? nullptr : place.back().get();
  changed->push_back(Insert(place, last, scope, std::move(first))->thing);
}

template <typename Thing>
void SeenOverTime<Thing>::Removed(const Thing& thing, uint64_t time_ns,
                                  std::vector<Thing>* changed) {
  const auto place = places_.find(PlaceOf(thing));
  if (place == places_.end()) return;
  Entry* entry = FindCurrent(place->second, thing);
  if (entry == nullptr) return;
  std::erase(current_[entry->scope], entry);
  End(*entry, time_ns, changed);
}

template <typename Thing>
void SeenOverTime<Thing>::Lose(const LookScope& scope, uint64_t absent_after_ns,
                               std::vector<Thing>* changed) {
  const auto lost = current_.find(scope);
  if (lost == current_.end()) return;
  for (Entry* entry : lost->second) {
    if (absent_after_ns != 0) {
      End(*entry, absent_after_ns, changed);
    } else if (!entry->out_of_sight) {
      // It may come back into sight, or word of its end may come.
      entry->out_of_sight = true;
      changed->push_back(entry->thing);
      Remember(*entry, entry->thing.to_ns);
    }
  }
  if (absent_after_ns != 0) current_.erase(lost);
}

template <typename Thing>
void SeenOverTime<Thing>::Remember(Entry& entry, uint64_t since_ns) {
  ++entry.times_to_forget;
  to_forget_.emplace_back(since_ns, &entry);
}

template <typename Thing>
void SeenOverTime<Thing>::Forget(uint64_t now_ns) {
  while (!to_forget_.empty() && to_forget_.front().first + kRememberNs < now_ns) {
    Entry* entry = to_forget_.front().second;
    to_forget_.pop_front();
    const bool came_back = entry->current && !entry->out_of_sight;
    if (--entry->times_to_forget > 0 || came_back) continue;
    if (entry->current) std::erase(current_[entry->scope], entry);
    const auto place = places_.find(PlaceOf(entry->thing));
    std::erase_if(place->second, [&](const auto& other) { return other.get() == entry; });
    if (place->second.empty()) places_.erase(place);
  }
}

}  // namespace correlate

#endif  // SYMBOLIZE_SEEN_OVER_TIME_H_
