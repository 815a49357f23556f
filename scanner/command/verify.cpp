#include "scanner/command/verify.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "output/bundle/bundle_check.h"
#include "output/sink/byte_sink.h"
#include "output/summary/figure_text.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

std::string check_text(const std::string& folder, const BagCheck& check) {
  std::string text;
  for (const BagFinding& finding : check.findings)
    text += fmt::format("{}: {}: {}\n", name_of(finding.kind), finding.file, finding.what);
  text += fmt::format("'{}' is {}: {}, {} bytes", folder,
                      check.findings.empty() ? "whole" : "not whole",
                      counted(check.totals.files, "file"), with_thousands(check.totals.bytes));
  if (!check.findings.empty()) text += fmt::format(", {}", counted(check.findings.size(), "fault"));
  // Names of files are whoever's who made the bundle.
  return printable_text(text + "\n", true);
}

std::string check_json(const std::string& folder, const BagCheck& check) {
  Json findings = Json::array();
  for (const BagFinding& finding : check.findings)
    findings.push_back(
        {{"kind", name_of(finding.kind)}, {"file", finding.file}, {"what", finding.what}});
  const Json json = {{"type", "verification"},          {"bundle", folder},
                     {"whole", check.findings.empty()}, {"files", check.totals.files},
                     {"bytes", check.totals.bytes},     {"findings", std::move(findings)}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

ExitCode run_verify(const VerifyConfig& config) {
  const tl::expected<BagCheck, std::string> check = check_bundle(config.folder);
  if (!check)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("'{}' is no bundle: {}", config.folder, check.error()));
  const bool is_whole = check->findings.empty();
  DescriptorSink output(STDOUT_FILENO);
  const bool is_told = !is_whole || config.as_json || config.verbosity != Verbosity::quiet;
  const std::string answer = !is_told         ? ""
                             : config.as_json ? check_json(config.folder, *check)
                                              : check_text(config.folder, *check);
  if (const int error = write_and_finish(output, answer); error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the answer could not be written: {}", std::strerror(error)));
  return is_whole ? ExitCode::finished : ExitCode::damaged;
}

}  // namespace echoscan
