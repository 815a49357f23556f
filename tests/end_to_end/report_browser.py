"""Opens reports in a browser, as their reader does, in all their states.

    report_browser.py {PAGE TABLE several|sample|listless|against=CHANGES}...

TABLE is what `aggregate --by slash24,label --format csv` says of the same scan: what the page says must be that, and of
what changed what CHANGES says, `compare --by slash24 --format csv`. A page must ask for nothing, log nothing, and fit a
phone; it must be readable without script, in the dark and on paper. One browser opens all of them, and one without
scripts: a browser takes more CPU to start than a page to look at.
"""
import base64
import csv
import os
import random
import re
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

page = kind = ''
slash24s, labels, changes = {}, {}, {}


def rows(path, table):
    return {row['group']: row for row in csv.DictReader(open(path, newline='')) if row['table'] == table}


def turn_to(path, table, kind_and_changes):
    """From here on it is this report that is looked at."""
    global page, kind, slash24s, labels, changes
    page = 'file://' + os.path.abspath(path)
    kind, _, changed = kind_and_changes.partition('=')
    slash24s, labels = rows(table, 'slash24'), rows(table, 'label')
    changes = rows(changed, 'slash24') if changed else {}


def check(condition, what):
    if not condition:
        sys.exit(f'FAILED: {page}: {what}')


def wait_for(condition, what):
    """Busy machines take their time; what is never so is a failure in the end."""
    deadline = time.time() + 300
    while not condition():
        check(time.time() < deadline, what())
        time.sleep(0.1)


def browser(scripts=True):
    options = Options()
    for argument in ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars']:
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    if not scripts:
        options.add_experimental_option('prefs', {'profile.managed_default_content_settings.javascript': 2})
    return webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)


def set_width(driver, width):
    driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                           {'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': False})


def open_page(driver):
    # What the page before it has said and asked for.
    for log in ('browser', 'performance'):
        driver.get_log(log)
    driver.get(page)
    wait_for(lambda: driver.execute_script('return document.body.dataset.state'), lambda: 'the page is not drawn')
    check(driver.execute_script('return document.body.dataset.state') == 'drawn', driver.find_element(By.ID, 'cell').text)


def requested(driver):
    """What the browser has asked for: only the page itself, and what is in it."""
    return set(re.findall(r'"method":"Network.requestWillBeSent".*?"request":\{.*?"url":"([^"]{1,60})',
                          '\n'.join(entry['message'] for entry in driver.get_log('performance'))))


def text(driver, name):
    return driver.find_element(By.ID, name).text


def find(driver, prefix):
    field = driver.find_element(By.ID, 'search')
    field.clear()
    field.send_keys(prefix + Keys.ENTER)
    return text(driver, 'cell')


def map_pixels(driver):
    """How many pixels of the map's tiles have each colour."""
    return driver.execute_script('''
        const counts = {};
        for (const tile of document.querySelectorAll('#map canvas.leaflet-tile')) {
          const data = new Uint32Array(tile.getContext('2d').getImageData(0, 0, 256, 256).data.buffer);
          for (const pixel of data) counts[pixel] = (counts[pixel] || 0) + 1;
        }
        return counts;''')


def check_cell(said, prefix, row):
    replies = f"{int(row['replies']):,}"
    if kind == 'listless':
        check(said.startswith(f'{prefix}: {replies} answered; nobody knows how many were asked'), said)
        return
    share = 100 * int(row['replies']) / int(row['targets'])
    check(said.startswith(f"{prefix}: {replies} of {int(row['targets']):,} asked answered, {share:.2f} %"), said)
    median = re.search(r'median ([0-9.]+) (us|ms|s)', said)
    if row['rtt_p50_us']:
        us = float(median[1]) * {'us': 1, 'ms': 1e3, 's': 1e6}[median[2]]
        # A code of one byte is 3.5 % off at most, whole microseconds half of one.
        check(abs(us / float(row['rtt_p50_us']) - 1) < 0.04 + 0.5 / us, f"{said} and not {row['rtt_p50_us']} us")


def check_map(driver):
    view = driver.find_element(By.ID, 'map')
    chosen = random.Random(1).sample(sorted(prefix for prefix in slash24s if prefix.startswith('10.')), 3)
    for prefix in chosen:
        check_cell(find(driver, prefix), prefix, slash24s[prefix])
        # It is in the middle now; another text first, so that it is the pointer that brings this one back.
        find(driver, prefix)
        driver.execute_script("document.getElementById('cell').textContent = ''")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", view)
        ActionChains(driver).move_to_element(view).perform()
        check_cell(text(driver, 'cell'), prefix, slash24s[prefix])
    check('not asked' in find(driver, '203.0.113.0/24'), 'a network that nobody asked: ' + text(driver, 'cell'))
    for nonsense in ['10.0.0', '300.1.1.1', '10.0.0.0/33', 'x']:
        check(find(driver, nonsense).startswith('Give an address'), nonsense)
    if kind != 'listless':
        total = sum(int(row['replies']) for prefix, row in slash24s.items() if prefix.startswith('10.0.'))
        check(find(driver, '10.0.0.0/16').startswith(f'10.0.0.0/16: {total:,} of '), text(driver, 'cell'))

    seen = []
    layers = Select(driver.find_element(By.ID, 'layer'))
    enabled = [option.get_attribute('value') for option in layers.options if option.is_enabled()]
    check(enabled == {'several': ['rate', 'rtt', 'loss', 'label'], 'sample': ['rate', 'rtt', 'label'],
                      'listless': ['rate', 'rtt', 'loss'],
                      'against': ['rate', 'rtt', 'loss', 'label', 'change']}[kind], f'layers {enabled}')
    find(driver, '10.0.0.0/16')
    for layer in enabled:
        layers.select_by_value(layer)
        pixels = map_pixels(driver)
        check(pixels not in seen, f'layer {layer} looks like another')
        check(len(pixels) >= 2, f'layer {layer} is empty: {pixels}')
        seen.append(pixels)
        check(len(driver.find_elements(By.CSS_SELECTOR, '#legend .key')) >= 3, 'a legend')
    if kind == 'several':
        check('</script><script>' in find(driver, '10.3.0.0/24'), 'the evil label is text: ' + text(driver, 'cell'))
        find(driver, '10.0.0.0/16')
    layers.select_by_value('rate')
    check(map_pixels(driver) == seen[0], 'a layer comes back as it was')
    if kind == 'against':
        for prefix in chosen:
            row = changes[prefix]
            wanted = f"{int(row['gained']):,} gained and {int(row['lost']):,} lost against the earlier scan"
            check(wanted in find(driver, prefix), f"{text(driver, 'cell')} and not {wanted}")
    driver.find_element(By.ID, 'transpose').click()
    check(sum(map_pixels(driver).values()) > 0, 'transposed')
    prefix = chosen[0]
    check_cell(find(driver, prefix), prefix, slash24s[prefix])
    driver.find_element(By.ID, 'transpose').click()
    for button in ['.leaflet-control-zoom-in', '.leaflet-control-zoom-out'] * 3:
        driver.find_element(By.CSS_SELECTOR, button).click()
        check(len(map_pixels(driver)) >= 1, 'zoom')


def check_tables(driver, folder):
    """Sorted by its head, ascending and descending, a table is the CSV's; so is what is downloaded."""
    table = driver.find_element(By.ID, 'table-label')

    def names():
        return [row.find_elements(By.TAG_NAME, 'td')[0].text for row in table.find_elements(By.CSS_SELECTOR, 'tbody tr')]

    def counts():
        return [int(row.find_elements(By.TAG_NAME, 'td')[2].text.replace(',', ''))
                for row in table.find_elements(By.CSS_SELECTOR, 'tbody tr')]

    before = set(names())
    check(set(labels) <= before, f'labels of the tables: {set(labels) - before}')
    check(kind == 'listless' or 'silent-1/EC2' in before or kind == 'sample', f'the silent label is there: {before}')
    head = table.find_elements(By.TAG_NAME, 'th')[2]
    head.click()
    check(counts() == sorted(counts(), reverse=True) and len(set(counts())) > 1, f'descending: {counts()}')
    head.click()
    check(counts() == sorted(counts()), f'ascending: {counts()}')
    check(set(names()) == before, 'sorting keeps the rows')
    driver.execute_cdp_cmd('Browser.setDownloadBehavior', {'behavior': 'allow', 'downloadPath': folder})
    driver.find_element(By.CSS_SELECTOR, 'button[data-table="label"]').click()
    path = os.path.join(folder, 'label.csv')
    # On a busy machine it has its name before its bytes.
    wait_for(lambda: os.path.exists(path) and open(path).read().endswith('\n'), lambda: 'no CSV')
    downloaded = {row['label']: row for row in csv.DictReader(open(path, newline=''))}
    check(set(downloaded) == before, f'the CSV has {set(downloaded) ^ before}')
    for name, row in labels.items():
        check(downloaded[name]['answered'] == row['replies'], f'{name}: {downloaded[name]} and {row}')
        check(kind == 'listless' or downloaded[name]['asked'] == row['targets'], f'{name}: {downloaded[name]}')
        check(kind == 'listless' or not row['response_rate_low']
              or abs(float(downloaded[name]['share_low']) - float(row['response_rate_low'])) < 1e-5, f'{name}: {row}')


def check_charts(driver):
    for canvas in driver.find_elements(By.CSS_SELECTOR, '.chart canvas'):
        if not canvas.is_displayed():
            continue
        inked = driver.execute_script('''
            const canvas = arguments[0], data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let inked = 0;
            for (let i = 3; i < data.length; i += 4) if (data[i] > 0) ++inked;
            return inked;''', canvas)
        check(inked > 300 or kind == 'listless', f"{canvas.get_attribute('id')} is drawn: {inked}")


def check_states(driver):
    background = "return getComputedStyle(document.body).backgroundColor"
    light = driver.execute_script(background)
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': 'dark'}]})
    check(driver.execute_script(background) != light, 'dark')
    check_charts(driver)
    paper = base64.b64decode(driver.execute_cdp_cmd('Page.printToPDF', {'printBackground': True})['data'])
    check(paper.startswith(b'%PDF') and len(paper) > 20_000, f'on paper: {len(paper)} bytes')
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': []})
    set_width(driver, 360)
    # Charts take their new width behind the page.
    width = 'return document.documentElement.scrollWidth'
    wait_for(lambda: driver.execute_script(width) <= 360,
             lambda: f'on a phone it is {driver.execute_script(width)} pixels wide')


def check_policy(driver):
    """What somebody would smuggle in is not fetched and not run."""
    driver.execute_script('''
        for (const source of ['https://192.0.2.1/x.png', 'http://198.51.100.1/x.png'])
          document.body.append(Object.assign(document.createElement('img'), {src: source}));
        document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = "run"'}));''')
    refused = []

    def are_refused():
        refused.extend(entry for entry in driver.get_log('browser') if 'Content Security Policy' in entry['message'])
        return len(refused) >= 3

    wait_for(are_refused, lambda: f'the policy refuses three things: {refused}')
    check(len(refused) == 3, f'the policy refuses three things: {refused}')
    check(driver.title not in ('run', 'broken'), driver.title)


def check_without_script(driver):
    driver.get(page)
    check('addresses answered a ping' in text(driver, 'headline'), 'the headline')
    check(driver.find_element(By.ID, 'static-map').is_displayed(), 'the still map')
    check(driver.find_element(By.ID, 'ledger').is_displayed(), 'the ledger')
    check(len(driver.find_elements(By.CSS_SELECTOR, '#table-label tbody tr')) > 3, 'the labels')
    shown = [element.get_attribute('id') for element in driver.find_elements(By.CSS_SELECTOR, '.scripted')
             if element.is_displayed()]
    check(shown == [], f'what needs a script is shown: {shown}')


def check_with_scripts(driver):
    set_width(driver, 1100)
    open_page(driver)
    check('broken' not in driver.title, 'a label has become a script')
    elements = driver.execute_script('return document.getElementsByTagName("*").length')
    check(elements <= 5000, f'{elements} elements')
    check_map(driver)
    with tempfile.TemporaryDirectory() as folder:
        check_tables(driver, folder)
    check_charts(driver)
    check_states(driver)
    # Reading the canvases back is this test's doing.
    said = [entry for entry in driver.get_log('browser') if 'willReadFrequently' not in entry['message']]
    check(said == [], f'the console says {said}')
    strangers = [url for url in requested(driver) if not re.match(r'(file|data|blob):', url)]
    check(strangers == [], f'it asks for {strangers}')
    elements = driver.execute_script('return document.getElementsByTagName("*").length')
    check(elements <= 5000, f'{elements} elements in the end')
    check_policy(driver)


def main():
    reports = [sys.argv[i:i + 3] for i in range(1, len(sys.argv), 3)]
    check(reports, 'no report is named')
    for scripts, look in ((True, check_with_scripts), (False, check_without_script)):
        driver = browser(scripts)
        try:
            for report in reports:
                turn_to(*report)
                look(driver)
        finally:
            driver.quit()


main()
