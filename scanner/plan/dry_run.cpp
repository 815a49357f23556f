#include "scanner/plan/dry_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "output/result/result_writer.h"
#include "output/sink/byte_sink.h"
#include "output/summary/figure_text.h"
#include "scanner/plan/slash24_pace.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"
#include "targets/target_cursor.h"

namespace echoscan {
namespace {

constexpr std::size_t kPrintedBatchSize = 4096;
constexpr int kWaitMs = 1000;

// How many of the listed addresses are targets, and why the others are none.
std::string targets_line(const TargetPlan& plan) {
  const TargetCounts& counts = plan.counts;
  std::string left_out;
  const auto add = [&left_out](std::uint64_t count, const std::string& what) {
    left_out += fmt::format("{}{} {}", left_out.empty() ? "" : ", ", with_thousands(count), what);
  };
  if (counts.excluded_by_user > 0) add(counts.excluded_by_user, "excluded");
  // It is there for everybody, so that it is told what it took, and be it nothing.
  if (!counts.system_list.empty())
    add(counts.excluded_by_system, "excluded by " + counts.system_list);
  if (counts.excluded_reserved > 0) add(counts.excluded_reserved, "special-purpose");
  const std::string ranges = fmt::format("{} range{}", with_thousands(plan.targets.ranges().size()),
                                         plural(plan.targets.ranges().size()));
  if (left_out.empty() && plan.target_count == counts.listed)
    return fmt::format("{} in {}", counted(plan.target_count, "target"), ranges);
  return fmt::format("{} of {} listed addresses to probe{}, {}", with_thousands(plan.target_count),
                     with_thousands(counts.listed),
                     left_out.empty() ? "" : fmt::format(" ({})", left_out), ranges);
}

}  // namespace

void log_plan(const TargetPlan& plan, const OrderConfig& order, const PaceConfig& pace) {
  const std::uint64_t probes = plan.target_count * order.passes;
  log_info("{}", targets_line(plan));
  if (plan.counts.listed_repeatedly > 0)
    log_info("{} addresses are listed more than once",
             with_thousands(plan.counts.listed_repeatedly));
  log_info("seed {}, sha256 of the ranges {}", plan.seed, plan.digest);
  if (plan.first < plan.targets.size())
    log_info("only the first {} of the order's {}", with_thousands(plan.first),
             counted(plan.targets.size(), "target"));
  if (order.shard)
    log_info("shard {} of {} ({}): {}, steps {} to {} of the order", plan.shard.index,
             plan.shard.count, order.shard_source, counted(plan.target_count, "target"),
             plan.steps.begin, plan.steps.end);
  for (const std::string& line : way_lines(plan.ways.shares)) log_info("way: {}", line);
  if (plan.unroutable_count > 0)
    log_warning("{} of {} targets are unroutable from here: nothing is sent to them",
                with_thousands(plan.unroutable_count), with_thousands(plan.target_count));
  const Slash24Density density = find_density(plan);
  const ProbeRate rate_pps = allowed_rate(pace, density, plan.shard);
  if (const std::string line = slash24_line(pace, density, plan.shard); !line.empty())
    log_info("{}", line);
  double control_s = 0;
  if (order.control_percent) {
    const ProbeRate slow_pps = control_rate(rate_pps, density, plan.shard);
    const std::uint64_t targets = part_of(plan.target_count, *order.control_percent);
    const double slow_s = static_cast<double>(targets) / slow_pps.pps();
    control_s = slow_s - static_cast<double>(targets) / rate_pps.pps();
    log_info("the first {} are the control: asked at {} a second in the first pass, {:.1f} s",
             with_thousands(targets), rate_text(slow_pps.pps()), slow_s);
  }
  const std::string probes_text = counted(probes, "probe") + (order.retries > 0 ? " at most" : "");
  const double gaps_s = pass_gap_s(order, pace) * (order.passes - 1);
  const std::string gaps_text =
      gaps_s > 0 ? fmt::format(", with {} s between passes", pass_gap_s(order, pace)) : "";
  if (rate_pps == Pacer::kUnlimited) {
    log_info("{} as fast as they leave{}, then {} s of cooldown", probes_text, gaps_text,
             pace.cooldown_s);
  } else {
    log_info("{} at {} a second{}: {:.1f} s, then {} s of cooldown", probes_text,
             rate_text(rate_pps.pps()), gaps_text,
             static_cast<double>(probes) / rate_pps.pps() + gaps_s + control_s, pace.cooldown_s);
  }
}

ExitCode run_dry(TargetPlan plan, const OrderConfig& order, const PaceConfig& pace,
                 const PathConfig& path) {
  say_if_unknown([&] { add_ways(plan, path); });
  log_plan(plan, order, pace);
  DescriptorSink output(STDOUT_FILENO);
  ResultWriter writer(output);
  TargetCursor cursor(plan.targets, plan.permutation);
  std::array<Ipv4, kPrintedBatchSize> addresses;
  for (unsigned pass = 0; pass < order.passes; ++pass) {
    cursor.seek(plan.steps.begin, plan.steps.end);
    while (!cursor.done() && writer.error() == 0) {
      const std::size_t count = cursor.next(addresses);
      for (std::size_t i = 0; i < count; ++i) {
        char* line = writer.room(kIpv4WriteBytes).data();
        char* end = write_ipv4(line, addresses[i]);
        *end++ = '\n';
        writer.append(static_cast<std::size_t>(end - line));
      }
      while (writer.backlog_bytes() > 0 && writer.flush_waiting(kWaitMs)) {
      }
    }
  }
  if (writer.error() != 0)
    throw UserError(ExitCode::output, fmt::format("the targets could not be written: {}",
                                                  std::strerror(writer.error())));
  return ExitCode::finished;
}

}  // namespace echoscan
