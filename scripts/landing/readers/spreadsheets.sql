-- Money and days as bills write them that passed through a spreadsheet; for provider files alone.

-- "$10,000.00" and "(3.50)", as spreadsheets write money; a comma that parts no thousands ("1,5") stays, and is refused.
create or replace macro plain_money(stated) as case
    when regexp_full_match(stated, '\( *\$? *(\d{1,3}(,\d{3})+|\d*)(\.\d+)? *\)')
        then '-' || regexp_replace(stated, '[$,() ]', '', 'g')
    when regexp_matches(stated, '[$, ]')
        then case
            when regexp_full_match(stated, '-? *\$? *-? *(\d{1,3}(,\d{3})+|\d*)(\.\d+)?')
                then regexp_replace(stated, '[$, ]', '', 'g')
            else stated
        end
    else stated
end;

-- "1,234" requests.
create or replace macro plain_count(stated) as
    case when regexp_full_match(stated, '\d{1,3}(,\d{3})+') then replace(stated, ',', '') else stated end;

-- "5/1/25" is the first of May, as spreadsheets write it where FOCUS comes from; a day stays a day, without an hour.
create or replace macro iso_day(stated) as case
    when contains(stated, '/') then coalesce(
        cast(cast(try_strptime(stated, ['%m/%d/%y', '%m/%d/%Y']) as date) as varchar),
        cast(try_strptime(stated, [
            '%m/%d/%y %H:%M', '%m/%d/%Y %H:%M', '%m/%d/%y %H:%M:%S', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M:%S %p'
        ]) as varchar),
        stated
    )
    else stated
end;
