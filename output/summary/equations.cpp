#include "output/summary/equations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace echoscan {
namespace {

using ParsedJson = nlohmann::json;

constexpr std::array kEquations = {
    Equation{"probes", "ledger.probes", "ledger.sent + ledger.not_sent.*", "",
             "each probe that was planned has left, or has a named reason why not"},
    Equation{"order", "ledger.probes", "ledger.drawn", "outcome is \"finished\"",
             "a scan that finished has walked its order to the end"},
    Equation{"given up",
             "ledger.not_sent.refused + ledger.not_sent.unconfirmed + ledger.not_sent.unroutable",
             "ledger.given_up + ledger.passed_over + ledger.way_lost", "",
             "of each probe that was accepted and did not leave the target is known"},
    Equation{"probes without a way", "ledger.without_way", "ledger.passed_over",
             "outcome is \"finished\"", "each probe that no way leads to has been passed over"},
    Equation{"acceptances", "sending.accepted", "sending.ended", "",
             "what the transmitters accepted was sent, handed back or lost"},
    Equation{"frames sent", "ledger.sent + ledger.sent_again",
             "sending.queues[].sent + ledger.sent_earlier", "",
             "each frame that left carried a probe, for the first time or again"},
    Equation{"addresses listed", "targets.listed",
             "targets.excluded_by_user + targets.excluded_by_system_list + "
             "targets.excluded_reserved + order.n",
             "", "each listed address is in the order or was excluded for one reason"},
    Equation{"targets", "targets.count",
             "ledger.replied + ledger.errored + ledger.silent + ledger.not_probed", "",
             "each target has one fate"},
    Equation{"frames received", "receiving.frames_seen", "receiving.frames.*", "",
             "each frame that was looked at has one outcome"},
    Equation{"results",
             "receiving.frames.reply + receiving.frames.reply_altered + "
             "receiving.frames.reply_off_target + receiving.frames.error + "
             "receiving.read_back.replies + receiving.read_back.errors + "
             "receiving.read_back.repeats + receiving.read_back.error_repeats",
             "receiving.records", "",
             "each reply or error that was proved has reached the receiver, in this leg or an "
             "earlier one"},
    Equation{
        "records", "receiving.records",
        "ledger.replied + receiving.repeats + ledger.errored + receiving.errored_and_replied + "
        "receiving.error_repeats + receiving.unlisted",
        "", "each record is a first answer, a repeat, or of an address that is no target"},
    Equation{"errors by type",
             "receiving.frames.error + receiving.read_back.errors + "
             "receiving.read_back.error_repeats",
             "receiving.errors[].frames", "", "each error has a type and a code"},
    Equation{"targets by type of error", "ledger.errored + receiving.errored_and_replied",
             "receiving.errors[].targets", "", "each target's first error has a type and a code"},
    Equation{"repeats", "receiving.repeats + receiving.error_repeats",
             "receiving.repeats_by_target", "", "each repeat is counted for its target"},
    Equation{"replies from elsewhere",
             "receiving.frames.reply_off_target + receiving.read_back.off_target",
             "receiving.off_target_replies", "",
             "each reply from another address than the target's is counted for who sent it"},
    Equation{"replies over time", "ledger.replied", "receiving.replied_by_time.counts[]", "",
             "each first reply came at some time"},
    Equation{"late replies", "receiving.in_cooldown",
             "receiving.replied_late.counts[] + receiving.read_back.in_cooldown", "",
             "each late reply came at some time of this leg's cooldown, or of an earlier one's"},
    Equation{"probes by pass", "ledger.sent", "passes[].sent", "passes is not []",
             "each probe that left was of one pass"},
    Equation{"targets by history", "targets.count", "histories[] + pass_unknown",
             "histories is not []",
             "each target has answered some passes or none, or one that nobody knows"},
    Equation{"control", "control.targets",
             "control.both + control.only_slowly + control.only_at_full_rate + control.neither",
             "control is not null", "each target of the control has answered each time or not"},
    Equation{"targets by label", "targets.count", "labels[].targets", "labels is not []",
             "each target has a label or none"},
    Equation{"probes by label", "ledger.sent", "labels[].sent", "labels is not []",
             "each probe that left had a target with a label or none"},
    Equation{"replies by label", "ledger.replied", "labels[].replied", "labels is not []",
             "each target that replied has a label or none"},
    Equation{"targets by way", "targets.count", "ways[].targets", "ways is not []",
             "each target has one way, or one reason why it has none"},
    Equation{"probes by way", "ledger.sent", "ways[].sent", "ways is not []",
             "each probe that left took the way of its target"},
    Equation{"replies by way", "ledger.replied", "ways[].replied", "ways is not []",
             "each target that replied has one way"},
    Equation{"round-trip times", "rtt_us.count", "rtt_us.histogram[].count", "",
             "each round-trip time is in one bin"},
    Equation{"replies timed", "ledger.replied", "rtt_us.count + receiving.without_rtt", "",
             "each first reply has a proved send time or none"},
    Equation{"lines", "output.lines", "ledger.replied + output.error_lines + output.repeat_lines",
             "", "each line is a first reply, a first error or a repeat"},
    Equation{"lines by fate", "output.lines", "output.lines_written + output.lines_abandoned", "",
             "each line was taken by its reader or abandoned"},
    Equation{"lines of errors", "output.error_lines",
             "ledger.errored + receiving.errored_and_replied", "output.errors_emitted is true",
             "each first error is a line where errors are asked for"},
    Equation{"no lines of errors", "output.error_lines", "0", "output.errors_emitted is false",
             "no error is a line where none is asked for"},
};

// Calls `use` with each part of `text` between separators.
template <typename Use>
void for_each_part(std::string_view text, std::string_view separator, const Use& use) {
  while (true) {
    const std::size_t end = text.find(separator);
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + separator.size());
  }
}

// The value at a path of plain keys; null when there is none.
const ParsedJson* value_at(const ParsedJson& json, std::string_view path) {
  const ParsedJson* value = &json;
  for_each_part(path, ".", [&value](std::string_view key) {
    if (value == nullptr) return;
    const auto member = value->find(std::string(key));
    value = member == value->end() ? nullptr : &*member;
  });
  return value;
}

// Adds all values that a path leads to to `sum`; false when it leads nowhere.
bool add_up(const ParsedJson& json, std::string_view path, std::uint64_t& sum) {
  if (path == "0") return true;
  if (path.empty()) {
    if (!json.is_number_unsigned()) return false;
    sum += json.get<std::uint64_t>();
    return true;
  }
  const std::size_t many = std::min(path.find("[]"), path.find(".*"));
  if (many == std::string_view::npos) {
    const ParsedJson* value = value_at(json, path);
    return value != nullptr && add_up(*value, "", sum);
  }
  const ParsedJson* elements = value_at(json, path.substr(0, many));
  if (elements == nullptr || !elements->is_structured()) return false;
  path.remove_prefix(many + 2);
  if (path.starts_with('.')) path.remove_prefix(1);
  return std::all_of(elements->begin(), elements->end(),
                     [&](const ParsedJson& element) { return add_up(element, path, sum); });
}

std::optional<std::uint64_t> sum_of(const ParsedJson& json, std::string_view side) {
  std::uint64_t sum = 0;
  bool is_whole = true;
  for_each_part(side, " + ",
                [&](std::string_view path) { is_whole = add_up(json, path, sum) && is_whole; });
  return is_whole ? std::optional(sum) : std::nullopt;
}

bool holds_when(const ParsedJson& json, std::string_view when) {
  if (when.empty()) return true;
  bool holds = true;
  for_each_part(when, " and ", [&](std::string_view condition) {
    const std::size_t is = condition.find(" is ");
    std::string_view expected = condition.substr(is + 4);
    const bool is_not = expected.starts_with("not ");
    if (is_not) expected.remove_prefix(4);
    const ParsedJson* value = value_at(json, condition.substr(0, is));
    holds = holds && value != nullptr && (*value == ParsedJson::parse(expected)) != is_not;
  });
  return holds;
}

std::string figure(const std::optional<std::uint64_t>& sum) {
  return sum ? std::to_string(*sum) : "not there";
}

}  // namespace

std::span<const Equation> equations() {
  return kEquations;
}

std::vector<std::string> faults_of(std::string_view json) {
  const ParsedJson summary = ParsedJson::parse(json);
  std::vector<std::string> faults;
  for (const Equation& equation : kEquations) {
    if (!holds_when(summary, equation.when)) continue;
    const std::optional<std::uint64_t> left = sum_of(summary, equation.left);
    const std::optional<std::uint64_t> right = sum_of(summary, equation.right);
    if (left && right && *left == *right) continue;
    faults.push_back(fmt::format("{}: {} is {}, but {} is {}", equation.name, equation.left,
                                 figure(left), equation.right, figure(right)));
  }
  return faults;
}

}  // namespace echoscan
