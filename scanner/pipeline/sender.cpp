#include "scanner/pipeline/sender.h"

#include <algorithm>

namespace echoscan {
namespace {

// Naps are short enough for a stop to be seen at once by human measure.
constexpr std::uint64_t kNapMaxNs = 50'000'000;
constexpr std::uint64_t kBackOffMinNs = 20'000;
constexpr std::uint64_t kBackOffMaxNs = 1'000'000;
constexpr std::uint64_t kPauseNapNs = 1'000'000;

}  // namespace

Sender::Sender(TargetCursor cursor, ShardBlocks& blocks, Pacer& pacer, Transmitter& transmitter,
               Clock& clock, const ReplySource& source, const ResultWriter& writer,
               const ScanState& state, const LabelMap& labels)
    : cursor_(cursor),
      blocks_(blocks),
      pacer_(pacer),
      transmitter_(transmitter),
      clock_(clock),
      source_(source),
      writer_(writer),
      state_(state),
      handed_over_by_label_(labels) {
  cursor_.seek(0, 0);
}

bool Sender::run() {
  progress_ns_ = clock_.now_ns();
  bool stalled = false;
  while (!stalled && !state_.stop_sending.load(std::memory_order_relaxed) && refill()) {
    const std::uint64_t now_ns = clock_.now_ns();
    if (pause(now_ns)) continue;
    const std::uint64_t wait_ns = send_batch(now_ns);
    if (wait_ns > 0) {
      transmitter_.settle();
      clock_.wait_until(now_ns + std::min(wait_ns, kNapMaxNs));
    }
    stalled = now_ns - progress_ns_ > kStallNs;
  }
  settle();
  return !stalled;
}

bool Sender::refill() {
  std::array<Ipv4, kBatchSize> addresses;
  while (batch_begin_ == batch_end_) {
    if (cursor_.done()) {
      const std::optional<Block> block = blocks_.claim();
      if (!block) return false;
      cursor_.seek(block->begin, block->end);
      pass_ = static_cast<std::uint8_t>(block->pass);
    }
    const std::size_t drawn = cursor_.next(addresses);
    for (std::size_t i = 0; i < drawn; ++i) batch_[i] = {addresses[i], pass_};
    batch_begin_ = 0;
    batch_end_ = drawn;
    counters_.drawn.add(drawn);
  }
  return true;
}

std::uint64_t Sender::send_batch(std::uint64_t now_ns) {
  const Pacer::Grant grant = pacer_.take(batch_end_ - batch_begin_, now_ns);
  if (grant.count == 0) {
    progress_ns_ = now_ns;  // it is the pacer that waits, not the kernel
    return grant.ready_ns > now_ns ? grant.ready_ns - now_ns : 1;
  }
  const std::span<const Target> granted = std::span(batch_).subspan(batch_begin_, grant.count);
  const std::size_t taken = transmitter_.send(granted);
  if (!handed_over_by_label_.empty())
    for (const Target& target : granted.first(taken)) handed_over_by_label_.add(target.address);
  batch_begin_ += taken;
  counters_.handed_over.add(taken);
  if (pass_ == 0) counters_.first_pass.add(taken);
  if (taken < grant.count) pacer_.give_back(grant.count - taken);
  if (taken > 0) {
    progress_ns_ = now_ns;
    back_off_ns_ = kBackOffMinNs;
    return 0;
  }
  back_off_ns_ = std::clamp(back_off_ns_ * 2, kBackOffMinNs, kBackOffMaxNs);
  return back_off_ns_;
}

bool Sender::pause(std::uint64_t now_ns) {
  const bool link_is_down = is_link_down();
  const bool receiver_is_backlogged = !link_is_down && is_receiver_backlogged();
  if (!link_is_down && !receiver_is_backlogged && !writer_.is_limit()) return false;
  transmitter_.idle();
  clock_.wait_until(now_ns + kPauseNapNs);
  // As long as it was: on a busy machine a nap is longer than asked for.
  (link_is_down         ? counters_.paused_link_ns
   : writer_.is_limit() ? counters_.paused_output_ns
                        : counters_.paused_receiver_ns)
      .add(clock_.now_ns() - now_ns);
  progress_ns_ = now_ns;
  return true;
}

// Now and then while all is well, each time while it is not.
bool Sender::is_receiver_backlogged() {
  if (batches_to_look_ > 0) {
    --batches_to_look_;
    return false;
  }
  if (source_.is_backlogged()) return true;
  batches_to_look_ = kBatchesPerLook - 1;
  return false;
}

bool Sender::is_link_down() {
  const bool is_down = state_.link_is_down.load(std::memory_order_relaxed);
  if (is_down != link_was_down_) transmitter_.link_changed(!is_down);
  link_was_down_ = is_down;
  return is_down;
}

void Sender::settle() {
  std::uint64_t waited_from_ns = clock_.now_ns();
  while (!transmitter_.settle()) {
    const std::uint64_t now_ns = clock_.now_ns();
    const bool is_stopped = state_.stop_sending.load(std::memory_order_relaxed);
    if (now_ns - waited_from_ns > (is_stopped ? kStoppedSettleNs : kStallNs)) break;
    if (is_link_down() && !is_stopped) waited_from_ns = now_ns;
    clock_.wait_until(now_ns + kBackOffMinNs);
  }
  transmitter_.give_up();
}

}  // namespace echoscan
