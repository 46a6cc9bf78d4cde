// EXPECT_ERROR(statement, kind, text): it throws reasonbrain::Error of that kind whose message has
// text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reasonbrain/error.h"

#define EXPECT_ERROR(statement, expected_kind, text)                                        \
  do {                                                                                      \
    try {                                                                                   \
      statement;                                                                            \
      ADD_FAILURE() << #statement << " did not throw, expected: " << (text);                \
    } catch (const ::reasonbrain::Error& problem) {                                         \
      EXPECT_EQ(problem.kind(), ::reasonbrain::ErrorKind::expected_kind) << problem.what(); \
      EXPECT_THAT(std::string(problem.what()), ::testing::HasSubstr(text));                 \
    }                                                                                       \
  } while (false)
