// A program that xentbench asks, in plain C++17: the protocol first, which is there to be copied, then three functions.
//
//     g++ -O2 -std=c++17 -o my_engine examples/my_engine.cpp
//     xentbench judge ./my_engine
//     xentbench run --on torch,./my_engine --op softmax,logsumexp,sparse_xent --dtype float32
//
// docs/protocol.md says what is read and written.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// -- the protocol -----------------------------------------------------------------------------------------------------

struct Array {
  std::string dtype;
  std::vector<size_t> shape;
  std::vector<char> bytes;

  size_t size() const {
    size_t count = 1;
    for (size_t length : shape) count *= length;
    return count;
  }
  template <typename T> std::vector<T> as() const {
    std::vector<T> numbers(bytes.size() / sizeof(T));
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }
};

struct Question {
  std::string kind, number;
  std::map<std::string, std::string> words, options;  // what stands behind a word, and behind an option's name
  std::map<std::string, Array> arrays;
};

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

size_t width(const std::string& dtype) {
  static const std::map<std::string, size_t> widths = {{"float16", 2}, {"bfloat16", 2}, {"float32", 4}, {"float64", 8},
                                                       {"int32", 4},   {"int64", 8},    {"uint8", 1}};
  return widths.at(dtype);
}

bool read(std::istream& in, Question& question) {
  std::string line, word, name, rest;
  if (!std::getline(in, line)) return false;  // nobody asks any more
  std::istringstream(line) >> question.kind >> question.number;
  std::vector<std::string> announced;
  while (std::getline(in, line) && !line.empty()) {
    std::istringstream words(line);
    words >> word;
    if (word == "array" || word == "option") words >> name;
    std::getline(words >> std::ws, rest);
    if (word == "array") {
      Array& array = question.arrays[name];
      std::istringstream lengths(rest);
      lengths >> array.dtype;
      for (size_t length; lengths >> length;) array.shape.push_back(length);
      announced.push_back(name);
    } else if (word == "option") {
      question.options[name] = rest;
    } else {
      question.words[word] = rest;
    }
  }
  for (const std::string& each : announced) {
    Array& array = question.arrays[each];
    array.bytes.resize(array.size() * width(array.dtype));
    if (!in.read(array.bytes.data(), static_cast<std::streamsize>(array.bytes.size()))) return false;
  }
  return true;
}

void write(std::ostream& out, const std::string& head, const std::map<std::string, Array>& arrays = {}) {
  out << head << "\n";
  for (const auto& [name, array] : arrays) {
    out << "array " << name << " " << array.dtype;
    for (size_t length : array.shape) out << " " << length;
    out << "\n";
  }
  out << "\n";
  for (const auto& each : arrays) out.write(each.second.bytes.data(), static_cast<std::streamsize>(each.second.bytes.size()));
  out.flush();
}

void serve(const std::string& offer, const std::function<std::map<std::string, Array>(const Question&)>& answer) {
  std::ios::sync_with_stdio(false);
  for (Question question; read(std::cin, question); question = {}) {
    if (question.kind == "hello") {
      write(std::cout, "offer 1\n" + offer);
      continue;
    }
    try {
      write(std::cout, "answer " + question.number, answer(question));
    } catch (const Unsupported& refusal) {
      write(std::cout, "unsupported " + question.number + "\nwhy " + refusal.what());
    } catch (const std::exception& error) {
      write(std::cout, "failed " + question.number + "\nwhy " + error.what());
    }
  }
}

// -- the functions ----------------------------------------------------------------------------------------------------

template <typename T> Array made(const char* dtype, const std::vector<size_t>& shape, const std::vector<T>& numbers) {
  Array array{dtype, shape, std::vector<char>(numbers.size() * sizeof(T))};
  std::memcpy(array.bytes.data(), numbers.data(), array.bytes.size());
  return array;
}

/// A row's softmax in its place, shifted by its maximum so that nothing overflows; returns the maximum and log sum.
template <typename T> std::pair<T, T> softmax(T* row, size_t classes) {
  const T largest = *std::max_element(row, row + classes);
  T sum = 0;
  for (size_t k = 0; k < classes; ++k) sum += row[k] = std::exp(row[k] - largest);
  for (size_t k = 0; k < classes; ++k) row[k] /= sum;
  return {largest, std::log(sum)};
}

template <typename T> std::map<std::string, Array> computed(const Question& question, const char* dtype) {
  const Array& given = question.arrays.at("logits");
  if (given.shape.size() != 2) throw Unsupported("logits have another number of axes than 2");
  const size_t rows = given.shape[0], classes = given.shape[1];
  if (classes == 0) throw Unsupported("a row has no class");
  const std::string name = question.words.at("function");
  const bool value = question.words.at("quantity") == "value";
  const std::vector<T> logits = given.as<T>();
  const std::vector<T> upstream = value ? std::vector<T>() : question.arrays.at("upstream").as<T>();
  std::vector<int64_t> labels;
  if (name == "sparse_xent my_sparse_xent") {
    if (question.arrays.at("labels").dtype != "int64") throw Unsupported("labels are no int64");
    labels = question.arrays.at("labels").as<int64_t>();
  }
  std::vector<T> every = logits, each(rows);  // what is computed of every class, and of each row
  for (size_t row = 0; row < rows; ++row) {
    T* p = &every[row * classes];
    const auto [largest, log_sum] = softmax(p, classes);
    each[row] = largest + log_sum;
    if (name == "softmax my_softmax") {
      if (value) continue;
      const T* incoming = &upstream[row * classes];
      const T dot = std::inner_product(p, p + classes, incoming, T(0));
      for (size_t k = 0; k < classes; ++k) p[k] *= incoming[k] - dot;
      continue;
    }
    if (!labels.empty()) {
      const int64_t label = labels[row];
      if (label < 0 || label >= static_cast<int64_t>(classes)) throw std::out_of_range("a label is no class");
      each[row] = log_sum - (logits[row * classes + label] - largest);  // logsumexp - logit cancels at large logits
      p[label] -= 1;
    }
    if (!value) {
      for (size_t k = 0; k < classes; ++k) p[k] *= upstream[row];
    }
  }
  if (!value) return {{"gradient", made(dtype, given.shape, every)}};
  if (name == "softmax my_softmax") return {{"value", made(dtype, given.shape, every)}};
  return {{"value", made(dtype, {rows}, each)}};
}

int main() {
  const std::string both = "\nquantity value\nquantity grad_logits\ndtype float32\ndtype float64";
  serve("fact version 1.0\nfact compiler " __VERSION__ "\nfunction softmax my_softmax" + both +
            "\nfunction logsumexp my_logsumexp" + both + "\nfunction sparse_xent my_sparse_xent" + both,
        [](const Question& question) {
          return question.arrays.at("logits").dtype == "float32" ? computed<float>(question, "float32")
                                                                 : computed<double>(question, "float64");
        });
}
