// bag-info.txt: what a bag says of itself for people, a "Label: value" each (RFC 8493, 2.2.2).
//
// A line is folded at a blank before column 79, and goes on behind one blank at the beginning of
// the next; who reads it puts a blank in place of the two. A value has no line ends or other
// controls, since these could make a label of it: what a user types is checked by is_plain_text()
// when it is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace echoscan {

class BagInfo {
 public:
  // Labels have no colon and values no controls; a value that is empty is not written, and of
  // several blanks one is.
  void add(std::string_view label, std::string_view value);
  // The file, in the order in which it was added.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Whether it is UTF-8 without controls, and of a length that people read.
bool is_plain_text(std::string_view text);

// The value of a label in a bag-info.txt, unfolded; nullopt: there is none.
std::optional<std::string> find_bag_info(std::string_view text, std::string_view label);

}  // namespace echoscan
