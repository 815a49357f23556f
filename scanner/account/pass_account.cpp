#include "scanner/account/pass_account.h"

#include <algorithm>
#include <numeric>

#include "output/summary/pass_estimate.h"

namespace echoscan {
namespace {

std::string why_no_estimate(const OrderConfig& order, const Summary::Ledger& ledger) {
  if (order.retries > 0) return "--retry asks only those who have not replied";
  if (ledger.drawn < ledger.probes) return "the scan ended before the last pass did";
  return {};
}

}  // namespace

std::vector<Summary::PassAnswers> pass_answers(const std::vector<std::uint64_t>& histories,
                                               const Summary::Passes& passes) {
  std::vector<Summary::PassAnswers> all;
  if (histories.empty()) return all;
  const bool is_comparable = passes.why_no_estimate.empty();
  for (const PassAnswers& pass : answers_by_pass(histories))
    all.push_back(
        {pass.answered, pass.only_then, pass.lost, is_comparable ? pass.loss : std::nullopt});
  return all;
}

std::optional<Summary::Control> control_of(const Tallies& tallies) {
  if (!tallies.control) return std::nullopt;
  const ControlAnswers& answers = *tallies.control;
  Summary::Control control{.targets = answers.targets,
                           .rate_pps = answers.rate_pps,
                           .both = answers.both,
                           .only_slowly = answers.only_slowly,
                           .only_at_full_rate = answers.only_at_full_rate,
                           .is_complete = answers.is_complete};
  control.neither =
      control.targets - control.both - control.only_slowly - control.only_at_full_rate;
  settle(control);
  return control;
}

Summary::Passes passes_of(const OrderConfig& order, const Summary::Ledger& ledger,
                          const Tallies& tallies, const DoneProbes& done) {
  Summary::Passes passes;
  if (tallies.histories.empty()) return passes;
  passes.why_no_estimate = why_no_estimate(order, ledger);
  for (const Summary::PassAnswers& answers : pass_answers(tallies.histories, passes)) {
    const std::size_t pass = passes.each.size();
    const std::uint64_t earlier = done.sent_by_pass.empty() ? 0 : done.sent_by_pass[pass];
    passes.each.push_back(
        {earlier + tallies.handed_over_by_pass[pass] - tallies.given_up_by_pass[pass], answers});
  }
  passes.histories = tallies.histories;
  const std::uint64_t proved =
      std::accumulate(passes.histories.begin(), passes.histories.end(), std::uint64_t{0});
  passes.unknown = ledger.replied - std::min(ledger.replied, proved);
  passes.histories.front() = ledger.errored + ledger.silent + ledger.not_probed;
  if (!passes.why_no_estimate.empty()) return passes;
  const AnsweringEstimate estimate = estimate_answering(tallies.histories);
  passes.estimate = {estimate.targets, estimate.standard_error, estimate.chao_targets};
  return passes;
}

}  // namespace echoscan
