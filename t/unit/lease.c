
/*
 * What leases become: declarations and due times, and the plans that they give,
 * as the text of lease_plan_text.h.
 */


#include "lease_plan_text.h"


static void
test_simple(void)
{
    begin(100);
    is_str(tick(), "", "an empty state has no step");
    is_str(declare("L-1", "anna / tom tia", 50, NEVER),
           "1:opened anna>1 tom>1 tia>1 active@never",
           "a lease that starts in the past opens at once");
    is_str(declare("L-1", "anna / tom tia", 50, NEVER), "active@never",
           "the same declaration again changes nothing");
    is_num(state_due(&state), NEVER, "a lease without an end has no due time");
    is_str(declare("L-1", "anna / tom tia", 60, NEVER), "started",
           "starts_at of an active lease cannot change");
    is_str(declare("L-1", "anna / tom tia", 50, 900),
           "changed active@900", "ends_at of an active lease may change");
    is_num(state_due(&state), 900, "the end is due");
    is_str(declare_as("77-0", "L-1", "Loft", "anna / tom tia", 50, 900),
           "changed active@900", "the label of an active lease may change");

    now = 899;
    is_str(tick(), "", "a lease does not end before its end");
    now = 950;
    is_str(tick(),
           "2:ended keep 2 anna,tom,tia@900 anna<1-2 tom<1-2 tia<1-2 "
           "over L-1@900", "a lease ends at its end");
    is_num(state_due(&state), NEVER, "an ended lease has no due time");
    is_num(state.at, 950, "the ended entry has the time of writing");
    is_str(declare_as("78-0", "L-1", "Loft", "anna / tom tia", 50, 900),
           "ended@900", "an ended lease declared as before stays ended");
    is_str(declare_as("79-0", "L-1", "Flat", "anna / tom tia", 50, 900),
           "ended", "an ended lease declared otherwise is refused");
}


static void
test_join_leave(void)
{
    begin(100);
    (void) declare("L-1", "anna / tom", 50, NEVER);

    is_str(declare("L-1", "anna omar / tom tia", 50, NEVER),
           "2:joined omar omar>1 3:joined tia tia>3 active@never",
           "a landlord and a tenant join");
    is_str(declare("L-1", "anna omar / tia mia", 50, NEVER),
           "4:left tom keep 4 anna,omar,tia@100 tom<1-4 5:joined mia mia>5 "
           "active@never", "one party leaves, another joins");
    now = 200;
    is_str(declare("L-1", "omar / mia", 50, NEVER),
           "6:left anna keep 6 omar,tia,mia@200 anna<1-6 "
           "7:left tia keep 7 omar,mia@200 tia<3-7 active@never",
           "a party who leaves keeps the parties of that moment");
    is_str(declare("L-1", "omar anna / mia tom", 50, NEVER),
           "8:joined anna anna>1 9:joined tom tom>9 active@never",
           "a landlord returns to the whole thread, a tenant to a new window");
    is_str(declare("L-1", "omar tom / mia anna", 50, NEVER),
           "10:left anna keep 10 omar,mia,tom@200 anna<1-10 "
           "11:left tom keep 11 omar,mia@200 tom<9-11 "
           "12:joined tom tom>1 13:joined anna anna>13 active@never",
           "two parties change sides");
    is_str(declare("L-1", "tom omar / mia anna", 50, NEVER),
           "changed active@never",
           "another order of parties is a change without an entry");
}


static void
test_end_by_declaration(void)
{
    begin(100);
    (void) declare("L-1", "anna / tom", 50, NEVER);
    now = 300;

    is_str(declare("L-1", "anna / tom tia", 50, 250),
           "2:joined tia tia>2 3:ended keep 3 anna,tom,tia@300 anna<1-3 "
           "tom<1-3 tia<2-3 over L-1@300 ended@300",
           "a past end becomes now, after the other changes");
    now = 310;
    is_str(declare("L-1", "anna / tom tia", 50, 250), "ended@300",
           "the same past end again changes nothing");
    is_str(declare("L-1", "anna / tom tia", 50, 300), "ended",
           "the end that became of it is another declaration");
}


static void
test_past(void)
{
    begin(500);

    is_str(declare("L-1", "anna / tom", 50, 400),
           "1:opened anna>1 tom>1 2:ended keep 2 anna,tom@400 anna<1-2 "
           "tom<1-2 over L-1@400 ended@400",
           "a lease wholly in the past opens and ends");
    is_str(declare("L-1", "anna / tom", 50, 400), "ended@400",
           "a lease wholly in the past again changes nothing");
    is_str(declare("L-2", "anna / tom", 400, NEVER),
           "3:opened anna>1 tom>1 active@never", "a renewal, declared late");
}


static void
test_pending(void)
{
    begin(100);

    is_str(declare("L-1", "anna / tom", 200, 300),
           "anna? tom? pending@300", "a lease in the future is pending");
    is_num(state_due(&state), 200, "the start of a pending lease is due");
    is_str(declare("L-1", "anna / tom", 200, 300), "pending@300",
           "a pending lease again changes nothing");
    is_str(declare("L-1", "anna omar / tia", 250, 300),
           "tom! anna? omar? tia? pending@300", "a pending lease may change");
    is_str(declare("L-2", "omar / tia mia", 220, NEVER),
           "anna! omar? tia? mia? pending@never",
           "another pending lease replaces it");
    is_str(declare("L-3", "anna / tom", 100, 220),
           "1:opened anna>1 tom>1 active@220",
           "one that opens now leaves a pending one after its end");
    is_num(state_due(&state), 220, "the end of the active lease is due first");
    is_str(declare("L-3", "anna / tom", 100, 221), "conflict",
           "the end can't move past the start of the pending lease");
    is_str(declare("L-3", "anna / tom", 100, NEVER), "conflict",
           "the end can't be removed before a pending lease");
    is_str(declare("L-3", "anna / tom", 100, 210), "changed active@210",
           "the end may move back");
    is_str(declare("L-2", "omar / tia", 209, NEVER), "conflict",
           "the pending lease can't start before the end");
    is_str(declare("L-2", "omar / tia", 210, NEVER),
           "mia! omar? tia? pending@never",
           "the pending lease may start at the end");
    is_str(declare("L-4", "omar / tia", 150, 160), "conflict",
           "a lease inside the active one is a conflict");
    is_str(declare("L-4", "omar / tia", 20, 60), "conflict",
           "a lease before the active one is a conflict");
    is_str(declare("L-3", "anna / tom tia", 100, 210),
           "2:joined tia tia>2 active@210",
           "a party of the pending lease joins the active one");

    now = 215;
    is_str(tick(),
           "3:ended keep 3 anna,tom,tia@210 anna<1-3 tom<1-3 tia<2-3 "
           "over L-3@210 4:opened omar>1 tia>2",
           "at a handover a tenant of both keeps the window");
}


static void
test_pending_none_active(void)
{
    begin(100);
    (void) declare("L-1", "anna / tom", 200, 300);

    is_str(declare("L-2", "omar / tia", 90, 201),
           "anna! tom! 1:opened omar>1 tia>1 active@201",
           "one that opens now drops a pending one that it overlaps");

    begin(100);
    (void) declare("L-1", "anna / tom", 200, 300);

    is_str(declare("L-2", "omar / tia", 90, NEVER),
           "anna! tom! 1:opened omar>1 tia>1 active@never",
           "one without an end drops the pending one too");

    begin(100);
    (void) declare("L-1", "anna / tom", 200, 300);

    is_str(declare("L-1", "anna / tia", 90, 300),
           "anna! tom! 1:opened anna>1 tia>1 active@300",
           "the pending one itself, moved to now");

    begin(100);
    (void) declare("L-1", "anna / tom", 200, 300);

    is_str(declare("L-2", "anna / tom", 20, 90),
           "1:opened anna>1 tom>1 2:ended keep 2 anna,tom@90 anna<1-2 "
           "tom<1-2 over L-2@90 ended@90",
           "a past lease leaves the pending one");
    now = 200;
    is_str(tick(), "3:opened anna>1 tom>1",
           "the pending lease renews the past one");
}


static void
test_renewal(void)
{
    begin(100);
    (void) declare("L-1", "anna omar / tom tia", 50, 200);
    (void) declare("L-2", "anna / tom mia", 200, 300);
    (void) declare("L-2", "anna / tom mia omar", 200, 300);

    now = 200;
    is_str(tick(),
           "2:ended keep 2 anna,omar,tom,tia@200 anna<1-2 omar<1-2 tom<1-2 "
           "tia<1-2 over L-1@200 3:opened anna>1 tom>1 mia>3 omar>3",
           "tom goes on, mia is new, omar is a tenant now");

    (void) declare("L-3", "anna / tia tom", 400, 500);
    now = 300;
    is_str(tick(),
           "4:ended keep 4 anna,tom,mia,omar@300 anna<1-4 tom<1-4 mia<3-4 "
           "omar<3-4 over L-2@300", "a lease ends before a gap");
    now = 400;
    is_str(tick(), "5:opened anna>1 tia>5 tom>1",
           "a tenant keeps the window over a gap, not over a lease");

    now = 600;
    is_str(tick(),
           "6:ended keep 6 anna,tia,tom@500 anna<1-6 tia<5-6 tom<1-6 "
           "over L-3@500", "the lease ends");
    is_str(declare("L-4", "tom / anna", 600, NEVER),
           "7:opened tom>1 anna>7 active@never",
           "parties who change sides have new windows");
}


static void
test_left_then_renewed(void)
{
    begin(100);
    (void) declare("L-1", "anna / tom tia", 50, 200);
    (void) declare("L-1", "anna / tia", 50, 200);
    (void) declare("L-2", "anna / tom tia", 200, NEVER);
    now = 200;

    is_str(tick(),
           "3:ended keep 3 anna,tia@200 anna<1-3 tia<1-3 over L-1@200 "
           "4:opened anna>1 tom>4 tia>1",
           "a tenant who left before the end has a new window");
}


static void
test_late(void)
{
    begin(100);
    (void) declare("L-1", "anna / tom", 50, 200);
    (void) declare("L-2", "omar / mia", 220, 240);
    now = 1000;

    is_str(tick(),
           "2:ended keep 2 anna,tom@200 anna<1-2 tom<1-2 over L-1@200 "
           "3:opened omar>1 mia>3 4:ended keep 4 omar,mia@240 omar<1-4 "
           "mia<3-4 over L-2@240", "every missed step is written at once");

    begin(100);
    (void) declare("L-1", "anna / tom", 50, 200);
    now = 1000;

    is_str(declare("L-1", "anna / tom", 50, NEVER),
           "2:ended keep 2 anna,tom@200 anna<1-2 tom<1-2 over L-1@200 ended",
           "a lease that had ended can't be changed");
    is_str(declare("L-1", "anna / tom", 50, 200), "ended@200",
           "the ended lease as declared stays ended");
}


static void
test_replayed(void)
{
    begin(100);
    (void) declare_as("5-0", "L-1", "One", "anna / tom", 50, NEVER);
    (void) declare_as("6-0", "L-1", "Two", "anna / tom", 50, NEVER);

    is_str(declare_as("5-0", "L-1", "One", "anna / tom", 50, NEVER),
           "active@never", "an older request does not undo a newer one");
    is_str(declare_as("6-0", "L-1", "Two", "anna / tom", 50, NEVER),
           "active@never", "a request is not applied twice");
    is_str(declare_as("5-7", "L-2", "One", "anna / tom", 50, NEVER),
           "conflict", "an older request for an unknown lease is a conflict");
    is_str(declare_as("6-1", "L-1", "One", "anna / tom", 50, NEVER),
           "changed active@never", "a newer request is applied");
}


static void
test_clock_back(void)
{
    begin(500);
    (void) declare("L-1", "anna / tom", 50, NEVER);
    now = 400;

    is_str(declare("L-1", "anna / tom tia", 50, NEVER),
           "2:joined tia tia>2 active@never",
           "a party joins with the clock set back");
    is_num(state.at, 500, "the time of the thread does not go back");
}


static void
test_malformed(void)
{
    size_t   i;
    state_t  read;

    static const char  *texts[] = {
        "A", "A 1", "A 1 1 1 {", "P {}\n", "A x {\"lease_id\":1}\n", "C x\n",
        "C l:a\n", "C l::1\n", "C l:a:\n", "Q\n",
        "D 1234567890123456789012345678901234567890123456789012345678901\n"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        (void) state_init(&read, "P", 1);
        is_num(state_decode(&read, texts[i], strlen(texts[i])), -1,
               "a malformed state is refused");
        state_free(&read);
    }
}


int
main(void)
{
    test_simple();
    test_join_leave();
    test_end_by_declaration();
    test_past();
    test_pending();
    test_pending_none_active();
    test_renewal();
    test_left_then_renewed();
    test_late();
    test_replayed();
    test_clock_back();
    test_malformed();

    state_free(&state);
    chain_cleanup();

    return tap_done();
}
