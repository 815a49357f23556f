// Labels by number: what a list says about a target ("eu-west-1/EC2"), kept once however many
// lines say it.
//
// A range carries 4 bytes and not a string; results and counts look the text up. Texts stay where
// they are for as long as the table lives, through moves too, so that a result may point to one.
// Printable UTF-8 of at most 255 bytes, as a label goes into each line of the results: a longer one
// is cut, since of 412,000 names of networks 21 were longer than 128 bytes, and ended the scan.
// Memory is bounded, as a list of endless new labels would take all there is; the bound is of bytes
// and not of labels, since ten million hosts by name are a list, too. Not copied, one thread
// writes; any may read afterwards.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>

#include "targets/prefix.h"

namespace echoscan {

using LabelId = std::uint32_t;
inline constexpr LabelId kNoLabel = 0;
inline constexpr std::size_t kTargetLabelBytesMax = 255;
// Of all different labels, each with its text and kLabelOwnBytes, which is about half of what it
// takes beside that.
inline constexpr std::size_t kLabelsBytesMax = std::size_t{1} << 30;
inline constexpr std::size_t kLabelOwnBytes = 64;

// Addresses with the label that a list gives them.
struct LabelledRange {
  AddressRange range;
  LabelId label = kNoLabel;
};

class LabelTable {
 public:
  explicit LabelTable(std::size_t bytes_max = kLabelsBytesMax) : bytes_max_(bytes_max) {
    id_of("");
  }
  LabelTable(LabelTable&&) = default;
  LabelTable& operator=(LabelTable&&) = default;
  LabelTable(const LabelTable&) = delete;
  LabelTable& operator=(const LabelTable&) = delete;
  ~LabelTable() = default;

  // The number of a text, a new one if need be; kNoLabel for the empty text.
  LabelId id_of(std::string_view text) {
    const auto known = ids_.find(text);
    if (known != ids_.end()) return known->second;
    const auto id = static_cast<LabelId>(texts_.size());
    ids_.emplace(texts_.emplace_back(text), id);
    bytes_ += text.size() + kLabelOwnBytes;
    return id;
  }
  [[nodiscard]] std::string_view text(LabelId id) const { return texts_[id]; }
  // How many, "no label" included: one more than the largest number.
  [[nodiscard]] std::size_t size() const { return texts_.size(); }
  // Whether there are more than there is to be memory for: who reads a list then gives it up.
  [[nodiscard]] bool is_overfull() const { return bytes_ > bytes_max_; }
  // The sentence for that, a clause; `line` is the one that was read last.
  [[nodiscard]] std::string overfull_error(std::uint64_t line) const {
    return "line " + std::to_string(line) + " has one label too many: all different ones, with " +
           std::to_string(kLabelOwnBytes) + " bytes for each beside its text, are to take " +
           std::to_string(bytes_max_) + " bytes at most";
  }

 private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, LabelId> ids_;
};

// Whether a text may be a label, cut or not; the error says what is wrong with it, as
// parse_range()'s does.
tl::expected<void, std::string> check_label(std::string_view text);

// The label that a text makes: its beginning, cut between characters, where it is longer than a
// label.
std::string_view cut_label(std::string_view text);

}  // namespace echoscan
