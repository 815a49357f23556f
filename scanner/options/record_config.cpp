#include "scanner/options/record_config.h"

#include <nlohmann/json.hpp>

#include "scanner/options/option_group.h"
#include "targets/prefix.h"

namespace echoscan {
namespace {

constexpr std::size_t kNotesBytesMax = 65536;

}  // namespace

void add_record_options(CLI::App& app, RecordConfig& config) {
  OptionGroup group(app, "Output");
  group.value("--notes", "TEXT", "Said in the summary, for whoever reads it later",
              [&config](const std::string& option, const std::string& text) {
                if (text.size() > kNotesBytesMax) refuse(option, excerpt(text), "below 64 KB");
                config.notes = text;
              });
  group.value("--user-metadata", "JSON", "An object that is put into the summary as it is",
              [&config](const std::string& option, const std::string& text) {
                if (text.size() > kNotesBytesMax) refuse(option, excerpt(text), "below 64 KB");
                const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
                if (!json.is_object())
                  refuse(option, excerpt(text), "a JSON object, as in '{\"campaign\":\"spring\"}'");
                config.user_metadata =
                    json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
              });
  group.text("--log-file", "FILE", "Add all messages to this file, too, each with its date",
             config.log_file);
}

}  // namespace echoscan
