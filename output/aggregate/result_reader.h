// Results read back, one by one, in any format that a scan writes: for who goes on where a scan was
// killed.
//
// The caller says the format and its fields, as the scan had them: a line of CSV says nothing by
// itself. What a line does not have is absent. A line that is no result is an error, and not
// skipped, since a scan that goes on behind it would take a found host for a silent one. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "output/aggregate/line_source.h"
#include "output/result/result_format.h"
#include "targets/address.h"

namespace echoscan {

// What matters of a line to who counts it again.
struct ReadResult {
  Ipv4 target;
  bool has_target = false;  // not where --fields leaves it out
  std::optional<Ipv4> responder;
  bool is_error = false;
  bool is_repeat = false;
  bool is_late = false;       // received in the cooldown
  bool is_elsewhere = false;  // by another interface than its way's
  std::optional<std::uint64_t> rtt_ns;
  std::optional<std::int64_t> received_us;  // since 1970
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};

class ResultReader {
 public:
  // `fields` as ResultFormat has them. The error is a sentence without a full stop.
  static tl::expected<std::unique_ptr<ResultReader>, std::string> open(
      const std::string& path, ResultFormat::Syntax syntax,
      const std::vector<const ResultField*>& fields);
  ~ResultReader();
  ResultReader(const ResultReader&) = delete;
  ResultReader& operator=(const ResultReader&) = delete;

  // The next result. False at the end; then error() says whether that was the end of the file.
  bool next(ReadResult& result);
  // A sentence without a full stop that names the line; empty when all was read.
  [[nodiscard]] const std::string& error() const { return error_; }
  // Of the header and the lines so far, before they were packed.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  class Parser;
  class JsonParser;
  class CsvParser;
  class AddressParser;

  ResultReader(std::string path, std::unique_ptr<LineSource> source,
               std::unique_ptr<Parser> parser);

  // Leaves it behind, where there is to be one.
  void read_header(std::string_view header);

  std::string path_;
  std::unique_ptr<LineSource> source_;
  std::unique_ptr<Parser> parser_;
  std::uint64_t bytes_ = 0;
  std::string error_;
};

// Whether results with these fields say all that a scan has to know that goes on behind them.
// `has_errors` and `has_repeats`: whether such lines are among them.
bool says_all(ResultFormat::Syntax syntax, const std::vector<const ResultField*>& fields,
              bool has_errors, bool has_repeats);

}  // namespace echoscan
