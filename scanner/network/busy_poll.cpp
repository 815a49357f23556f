#include "scanner/network/busy_poll.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw UserError(ExitCode::environment, "--busy-poll: " + reason);
}

[[noreturn]] void refuse_settings(const Refusal& refusal) {
  if (refusal.error == ENOENT)
    refuse(refusal.reason +
           "; Linux has it from 5.11 on, and shows it where /sys is that of the network namespace "
           "(as `ip netns exec` mounts it)");
  refuse(refusal.reason +
         "; it takes root, and in a container --privileged, for a /sys that is not read-only");
}

// Of each setting what the killed scan had found, unless somebody has changed it since.
tl::expected<InterruptValues, Refusal> put_back(const std::string& interface,
                                                const InterruptNote::Content& left) {
  const tl::expected<InterruptSettings, Refusal> settings =
      InterruptSettings::open(interface, true);
  if (!settings) return tl::make_unexpected(settings.error());
  tl::expected<InterruptValues, Refusal> values = settings->read();
  if (!values) return values;
  if (values->defer_hard_irqs == left.set.defer_hard_irqs)
    values->defer_hard_irqs = left.found.defer_hard_irqs;
  if (values->gro_flush_timeout == left.set.gro_flush_timeout)
    values->gro_flush_timeout = left.found.gro_flush_timeout;
  if (const tl::expected<void, Refusal> written = settings->write(*values); !written)
    return tl::make_unexpected(written.error());
  return values;
}

}  // namespace

std::optional<InterruptNote::Content> find_held_back(const Interface& interface) {
  std::optional<InterruptNote::Content> left = InterruptNote::find_left(interface.index);
  if (!left) return left;
  const auto settings = InterruptSettings::open(interface.name, false);
  const auto values =
      settings ? settings->read() : tl::expected<InterruptValues, Refusal>(refused(""));
  // Where nobody can tell, the note's word counts.
  if (values && values->defer_hard_irqs != left->set.defer_hard_irqs &&
      values->gro_flush_timeout != left->set.gro_flush_timeout)
    left.reset();
  return left;
}

void put_back_interrupts(const Interface& interface) {
  const std::optional<InterruptNote::Content> left = find_held_back(interface);
  if (!left) return;
  const std::string what =
      fmt::format("a scan that was killed (process {}) has left the interrupts of {} held back",
                  left->process, interface.name);
  tl::expected<InterruptNote, Refusal> note = InterruptNote::take(interface.index);
  const bool is_others = note ? !note->left() : note.error().error == EAGAIN;
  // Another scan has come first, and puts them back.
  if (is_others && note) note->remove();
  if (is_others) return;
  const auto values = note ? put_back(interface.name, *note->left())
                           : tl::expected<InterruptValues, Refusal>(refused(note.error().reason));
  if (!values) {
    log_warning("{} ({}), so that replies may be late; they cannot be set back to {}: {}", what,
                to_string(left->set), to_string(left->found), values.error().reason);
    return;
  }
  note->remove();
  log_warning("{}; they are set back: {}", what, to_string(*values));
}

BusyPolling::BusyPolling(const Interface& interface) {
  tl::expected<InterruptSettings, Refusal> settings = InterruptSettings::open(interface.name, true);
  if (!settings) refuse_settings(settings.error());
  const tl::expected<InterruptValues, Refusal> found = settings->read();
  if (!found) refuse_settings(found.error());
  const InterruptValues wanted{kDeferPolls, kFlushTimeoutNs};

  tl::expected<InterruptNote, Refusal> note = InterruptNote::take(interface.index);
  if (!note && note.error().error == EAGAIN)
    refuse(fmt::format("another scan polls {} already ({})", interface.name, note.error().reason));
  std::string reason = note ? "" : note.error().reason;
  if (note)
    if (const auto written = note->write({getpid(), *found, wanted}); !written)
      reason = written.error().reason;
  if (!reason.empty())
    log_warning(
        "--busy-poll: no note can be made in {} ({}): if this scan is killed, nobody puts "
        "back {} of {}",
        InterruptNote::kFolder, reason, to_string(*found), interface.name);

  // From here on they are put back, whatever comes.
  tl::expected<InterruptKeeper, Refusal> keeper =
      InterruptKeeper::start(*settings, *found, note ? &*note : nullptr);
  if (!keeper) {
    if (note) note->remove();
    refuse(fmt::format("no process can be had that puts back {} ({})", to_string(*found),
                       keeper.error().reason));
  }
  if (const tl::expected<void, Refusal> written = settings->write(wanted); !written)
    refuse_settings(written.error());
  log_info("--busy-poll: {} holds its interrupts back: {}, and at the end {} again", interface.name,
           to_string(wanted), to_string(*found));
  keeper_ = std::move(*keeper);
  found_ = *found;
}

BusyPolling::~BusyPolling() {
  // With the interface its settings are gone.
  if (const tl::expected<void, Refusal> done = keeper_->put_back();
      !done && done.error().error != ENODEV)
    log_warning("--busy-poll: what was there cannot be put back ({}): {}", done.error().reason,
                to_string(found_));
}

}  // namespace echoscan
