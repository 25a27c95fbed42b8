
/* bodies of sends and marks; those of leases are in t/unit/body_lease.c */

#include <stdlib.h>

#include "t/tap.h"
#include "t/unit/faults.h"
#include "body.h"


/* the faults as "field: detail" lines, of a copy that ends with the body */
static const char *
send_faults(const char *s, size_t len)
{
    int          rc;
    char        *copy;
    faults_t     faults = FAULTS_INIT;
    body_send_t  send;

    copy = malloc(len + 1);
    memcpy(copy, s, len);

    rc = body_send_parse(copy, len, &send, &faults);
    free(copy);

    if (rc == 0) {
        body_send_free(&send);
    }

    return faults_text(rc, &faults);
}


static const char *
read_faults(const char *s)
{
    int          rc;
    faults_t     faults = FAULTS_INIT;
    body_read_t  read;

    rc = body_read_parse(s, strlen(s), &read, &faults);

    return faults_text(rc, &faults);
}


#define send_is(s, expected, name)                                           \
    is_str(send_faults(s, sizeof(s) - 1), expected, name)

#define CONTROL  "text: must not have control characters other than tab "    \
                 "and line feed\n"
#define ID       "client_id: must be 1 to 64 of A-Z a-z 0-9 _ -\n"


static void
test_send(void)
{
    faults_t     faults = FAULTS_INIT;
    body_send_t  send;

    static const char  body[] =
        " {\"text\" : \"  Hello,\\r\\n\\u00e9\\ud83d\\ude00\\t! \\u3000\","
        " \"client_\\u0069d\":\"a-1\" }\r\n";

    ok(body_send_parse(body, sizeof(body) - 1, &send, &faults) == 0,
       "a valid send is parsed");
    is_str(send.client_id, "a-1", "client_id is unescaped");
    is_str(send.text, "Hello,\n\xc3\xa9\xf0\x9f\x98\x80\t!",
           "text is unescaped and trimmed");
    is_num(send.text_len, strlen(send.text),
           "text_len is the length of the text");
    body_send_free(&send);
    body_send_free(&send);
    body_send_free(NULL);

    send_is("{}", "client_id: is missing\ntext: is missing\n",
            "{}: both members are missing");
    send_is("{\"client_id\":\"a b\",\"text\":\" \",\"x\":1}",
            "x: is not a known field\n" ID "text: must not be empty\n",
            "every fault of a send is listed");
    send_is("{\"client_id\":1,\"text\":null}",
            "client_id: must be a string\ntext: must be a string\n",
            "values of another type are refused");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"text\":\"b\"}",
            "text: is given twice\n", "a key given twice is refused");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"te\\u0078t\":\"b\"}",
            "text: is given twice\n",
            "a key given twice, once escaped, is refused");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"x\":1,\"x\":2}",
            "x: is not a known field\nx: is given twice\n",
            "an unknown key given twice has both faults");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"Text\":\"c\"}",
            "Text: is not a known field\n", "names are case-sensitive");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"\":\"c\"}",
            ": is not a known field\n", "an empty key is unknown");
    send_is("{\"client_id\":\"a\",\"text\":\"a\\u0000b\"}", CONTROL,
            "an escaped NUL in a text is refused");
    send_is("{\"client_id\":\"a\\u0000\",\"text\":\"b\"}", ID,
            "an escaped NUL in a client_id is refused");
    send_is("{\"client_id\":\"a\",\"text\":\"b\",\"text\\u0000\":\"b\"}",
            "text\x01: is not a known field\n",
            "an escaped NUL in a key is shown as another byte");
    send_is("{\"client_id\":\"\",\"text\":\"a\\u0085b\\r\"}", ID CONTROL,
            "a C1 control in a text is refused");
    send_is("{\"client_id\":\"a\",\"text\":\"a\\rb\"}", CONTROL,
            "a lone CR in a text is refused");
    send_is("{\"client_id\":\"a\",\"text\":{\"a\":1}}",
            "text: must be a string\n", "an object as text is refused");
}


/* bodies that are not a JSON object, and their faults */
static const struct {
    const char  *body;
    const char  *expected;
} bad[] = {
    { "", ": is empty\n" },
    { " \n", ": is empty\n" },
    { "[]", ": must be an object\n" },
    { "null", ": must be an object\n" },
    { "\"a\"", ": must be an object\n" },
    { "1", ": must be an object\n" },
    { "{", ": is not JSON\n" },
    { "{\"a\"}", ": is not JSON\n" },
    { "{\"a\":}", ": is not JSON\n" },
    { "{\"a\":1,}", ": is not JSON\n" },
    { "{a:1}", ": is not JSON\n" },
    { "{'a':1}", ": is not JSON\n" },
    { "{\"a\":01}", ": is not JSON\n" },
    { "{\"a\":1.}", ": is not JSON\n" },
    { "{\"a\":.5}", ": is not JSON\n" },
    { "{\"a\":+1}", ": is not JSON\n" },
    { "{\"a\":-}", ": is not JSON\n" },
    { "{\"a\":1e}", ": is not JSON\n" },
    { "{\"a\":0x1}", ": is not JSON\n" },
    { "{\"a\":NaN}", ": is not JSON\n" },
    { "{\"a\":Infinity}", ": is not JSON\n" },
    { "{\"a\":nul}", ": is not JSON\n" },
    { "{\"a\":True}", ": is not JSON\n" },
    { "{\"a\":[1,]}", ": is not JSON\n" },
    { "{\"a\":[1 2]}", ": is not JSON\n" },
    { "{\"a\":[1}", ": is not JSON\n" },
    { "{} {}", ": has something after the JSON\n" },
    { "{}x", ": has something after the JSON\n" },
    { "{}}", ": has something after the JSON\n" },
    { "\xef\xbb\xbf{}", ": is not JSON\n" },
    { "{\"a\":\"\xff\"}", ": is not UTF-8\n" },
    { "{\"a\":\"\xed\xa0\x80\"}", ": is not UTF-8\n" },
    { "{\"a\":\"\n\"}", ": has a raw control character in a string\n" },
    { "{\"a\":\"\\x\"}", ": has a bad escape in a string\n" },
    { "{\"a\":\"\\u12\"}", ": has a bad escape in a string\n" },
    { "{\"a\":\"\\u12g4\"}", ": has a bad escape in a string\n" },
    { "{\"a\":\"\\", ": has a bad escape in a string\n" },
    { "{\"a\":\"b", ": has a string without an end\n" },
    { "{\"a\":\"\\ud83d\"}",
      ": has half of a surrogate pair in a string\n" },
    { "{\"a\":\"\\ude00\"}",
      ": has half of a surrogate pair in a string\n" },
    { "{\"a\":\"\\ud83d\\ud83d\"}",
      ": has half of a surrogate pair in a string\n" },
    { "{\"\\ud83d\":1}",
      ": has half of a surrogate pair in a string\n" },
    { "{\v}", ": is not JSON\n" }
};


static void
test_json(void)
{
    char    deep[2 * 5000];
    size_t  i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_str(send_faults(bad[i].body, strlen(bad[i].body)), bad[i].expected,
               bad[i].body[0] > ' ' ? bad[i].body : "white space");
    }

    send_is("{}\0", ": has something after the JSON\n",
            "a raw NUL after the JSON is refused");
    send_is("{\"a\":\"b\0c\"}", ": has a raw control character in a string\n",
            "a raw NUL in a string is refused");

    memset(deep, '[', 5000);
    memset(deep + 5000, ']', 5000);
    is_str(send_faults(deep, 10000), ": is nested too deeply\n",
           "5000 levels are too deep");
    is_str(send_faults(deep + 5000 - 64, 128), ": must be an object\n",
           "64 levels are parsed");
}


/* n times s between head and tail */
static char *
repeat(const char *head, const char *s, size_t n, const char *tail)
{
    char    *body;
    size_t   i, len, at;

    len = strlen(s);
    at = strlen(head);
    body = malloc(at + n * len + strlen(tail) + 1);

    memcpy(body, head, at);

    for (i = 0; i < n; i++, at += len) {
        memcpy(body + at, s, len);
    }

    strcpy(body + at, tail);

    return body;
}


static void
test_sizes(void)
{
    char        *body;
    const char  *head = "{\"client_id\":\"a\",\"text\":\" ";

    body = repeat(head, "\xf0\x9f\x98\x80", 4000, " \"}");
    is_str(send_faults(body, strlen(body)), "",
           "a text of 4000 code points is valid");
    free(body);

    body = repeat(head, "\xf0\x9f\x98\x80", 4001, " \"}");
    is_str(send_faults(body, strlen(body)),
           "text: must have at most 4000 characters, has 4001\n",
           "a text of 4001 code points is refused");
    free(body);

    body = repeat(head, "\\r\\n", 4001, "x\"}");
    is_str(send_faults(body, strlen(body)), "",
           "4001 leading line ends are trimmed first");
    free(body);

    body = repeat("{\"client_id\":\"a\",\"text\":\"b\"", " ", 65536 - 28, "}");
    is_num(strlen(body), 65536, "the body has 64 KiB");
    is_str(send_faults(body, 65536), "", "a body of 64 KiB is valid");
    free(body);

    body = repeat("{\"client_id\":\"a\",\"text\":\"b\"", " ", 65537 - 28, "}");
    is_str(send_faults(body, 65537), ": must have at most 65536 bytes\n",
           "a body of one byte more is refused");
    free(body);

    body = repeat("{", "\"x\":1,", 9000, "\"x\":1}");
    ok(strstr(send_faults(body, strlen(body)),
              ": has more faults than the 200 listed\n"),
       "9001 faults are cut to 200");
    free(body);

    body = repeat("{\"", "x", 10000, "\":1}");
    ok(strlen(send_faults(body, strlen(body))) < 200,
       "a long unknown key is cut");
    free(body);
}


static void
test_read(void)
{
    char         name[64], *many;
    size_t       i;
    faults_t     faults = FAULTS_INIT;
    body_read_t  read;

    static const struct {
        const char  *body;
        uint64_t     upto;
    } good[] = {
        { "{\"upto\":0}", 0 }, { "{\"upto\":482}", 482 },
        { "{\"upto\":1e2}", 100 }, { "{\"upto\":1.0}", 1 },
        { "{\"upto\":-0}", 0 },
        { "{\"upto\":999999999999999}", 999999999999999 }
    };

    static const char  *bad[] = {
        "-1", "1.5", "1e400", "-1e400", "1000000000000000",
        "9007199254740993", "\"1\"", "null", "true", "[]", "{}", "1e-1",
        "[1,-1]", "[[1]]", "{\"a\":1}"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ok(body_read_parse(good[i].body, strlen(good[i].body), &read, &faults)
           == 0 && read.nmarks == 1 && read.marks[0] == good[i].upto,
           good[i].body);
    }

    ok(body_read_parse("{\"upto\":[9,0,5]}", 16, &read, &faults) == 0
       && read.nmarks == 3 && read.marks[0] == 9 && read.marks[1] == 0
       && read.marks[2] == 5, "several marks in a list are parsed");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(name, sizeof(name), "{\"upto\":%s}", bad[i]);
        is_str(read_faults(name), "upto: must be a whole number, 0 or more\n",
               name);
    }

    many = malloc(8192);
    (void) strcpy(many, "{\"upto\":[1");

    for (i = 1; i < BODY_MARKS_MAX; i++) {
        (void) strcat(many, ",1");
    }

    (void) strcat(many, "]}");
    is_str(read_faults(many), "", "64 marks in a list are valid");

    (void) strcpy(many + strlen(many) - 2, ",1]}");
    is_str(read_faults(many), "upto: must be a whole number, 0 or more\n",
           "65 marks in a list are refused");
    free(many);

    is_str(read_faults("{}"), "upto: is missing\n",
           "a missing upto is refused");
    is_str(read_faults("{\"upto\":1,\"upto\":1}"), "upto: is given twice\n",
           "upto given twice is refused");
    is_str(read_faults("{\"upto\":1,\"x\":1}"), "x: is not a known field\n",
           "an unknown field is refused");
    ok(strchr(read_faults("{\"upto\":1"
              "000000000000000000000000000000000000000000000000000000000000"
              "0000000000000000}"), ':'), "a number of 77 digits is refused");
}


int
main(void)
{
    test_send();
    test_json();
    test_sizes();
    test_read();

    return tap_done();
}
